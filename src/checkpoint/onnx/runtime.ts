import { inputName, outputName } from './graph.ts';

/** What we use of ONNX Runtime, which is the same in its packages for Node and for the web. */
interface OnnxRuntime {
  readonly InferenceSession: { create(path: string): Promise<Session> };
  readonly Tensor: new (type: 'float32', values: Float32Array, dims: readonly number[]) => object;
}

interface Session {
  run(feeds: Readonly<Record<string, object>>): Promise<Readonly<Record<string, RuntimeTensor>>>;
  release(): Promise<void>;
}

interface RuntimeTensor {
  readonly data: unknown;
  readonly dims: readonly number[];
}

/** An activation (batch, channels, …spatial). */
export interface ChannelsFirst {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

/** The packages that can run a file, the faster one first. Neither is needed to write one. */
const packages = ['onnxruntime-node', 'onnxruntime-web'] as const;

export interface FoundRuntime {
  readonly name: string;
  /** What the network in a file makes of an input. */
  readonly run: (file: string, input: ChannelsFirst) => Promise<ChannelsFirst>;
}

/** The first ONNX Runtime that is installed, if any. */
export async function findRuntime(): Promise<FoundRuntime | undefined> {
  for (const name of packages) {
    const runtime = await load(name);
    if (runtime) return { name, run: (file, input) => runFile(runtime, file, input) };
  }
  return undefined;
}

async function load(name: (typeof packages)[number]): Promise<OnnxRuntime | undefined> {
  try {
    if (name === 'onnxruntime-web') {
      const web = await import('onnxruntime-web');
      // Threads of its own would outlive the session.
      web.env.wasm.numThreads = 1;
      return web;
    }
    return (await import(name)) as OnnxRuntime;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

async function runFile(runtime: OnnxRuntime, file: string, input: ChannelsFirst): Promise<ChannelsFirst> {
  const session = await runtime.InferenceSession.create(file);
  try {
    const outputs = await session.run({ [inputName]: new runtime.Tensor('float32', input.values, input.shape) });
    const { data, dims } = outputs[outputName]!;
    return { values: data as Float32Array, shape: dims };
  } finally {
    await session.release();
  }
}
