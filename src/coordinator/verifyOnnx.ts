import { relativeDifference } from '../checkpoint/onnx/difference.ts';
import { findRuntime, type ChannelsFirst } from '../checkpoint/onnx/runtime.ts';
import { loadParameters } from '../checkpoint/parameters.ts';
import { channelsFirst, channelsLast } from '../checkpoint/pytorchLayout.ts';
import type { SafetensorsFile } from '../checkpoint/safetensors.ts';
import type { EngineSpec } from '../config/runFile.ts';
import { startEngine } from '../engine/index.ts';
import { sizeOf } from '../engine/tensor.ts';
import { ParameterStore } from '../layers/parameterStore.ts';
import type { Model } from '../models/cell.ts';
import { parameterSpecs } from '../models/describe.ts';
import { RandomStream } from '../random/stream.ts';
import { forwardChain } from '../worker/cellChain.ts';

/** What is known of an exported file. */
export type Verification =
  | {
      readonly status: 'verified';
      /** The package that ran the file. */
      readonly runtime: string;
      /** (batch, channels, …spatial) of the random image that both were given. */
      readonly shape: readonly number[];
      /** The largest difference of the outputs, relative to the largest value. */
      readonly difference: number;
    }
  | { readonly status: 'unverified'; readonly reason: string };

/** An exported file that gives other values than our own engine. */
export class ExportMismatchError extends Error {
  override readonly name = 'ExportMismatchError';
  readonly difference: number;

  constructor(runtime: string, difference: number) {
    super(
      `nothing was written: what ${runtime} makes of the exported network differs from our own engine by ` +
        `${difference.toExponential(1)} of the largest value, and at most ${LARGEST_DIFFERENCE} is rounding. ` +
        `Update ${runtime}; where that does not help, this is a fault of lamp export: report it with the run file`,
    );
    this.difference = difference;
  }
}

/** More than rounding explains. */
const LARGEST_DIFFERENCE = 1e-4;

/** An image for a network that halves nothing has at least this size. */
const LEAST_SIZE = 16;

interface Ours {
  readonly model: Model;
  readonly weights: SafetensorsFile;
  readonly engine: EngineSpec['name'];
}

/** Runs an exported file on a random image and compares with our own engine, on the CPU: GPUs may round products to 10 bits. */
export async function verifyOnnx(file: string, ours: Ours): Promise<Verification> {
  const runtime = await findRuntime();
  if (!runtime)
    return {
      status: 'unverified',
      reason: 'ONNX Runtime is not installed; `npm install --no-save onnxruntime-web` brings it',
    };
  const input = randomImage(ours.model);
  const theirs = await runtime.run(file, input);
  const difference = relativeDifference(await evaluate(ours, input), theirs);
  if (!(difference <= LARGEST_DIFFERENCE)) throw new ExportMismatchError(runtime.name, difference);
  return { status: 'verified', runtime: runtime.name, shape: input.shape, difference };
}

/** Of the smallest size that fits, twice that along the last axis, so that no two axes can be mistaken for one another. */
function randomImage({ spatialDims, inChannels, divisor }: Model): ChannelsFirst {
  const size = Math.ceil(LEAST_SIZE / divisor) * divisor;
  const shape = [1, inChannels, ...new Array<number>(spatialDims - 1).fill(size), 2 * size];
  return { shape, values: new RandomStream('export').fillNormal(new Float32Array(sizeOf(shape)), 1) };
}

async function evaluate({ model, weights, engine: name }: Ours, image: ChannelsFirst): Promise<ChannelsFirst> {
  const engine = await startEngine({ name, gpu: '' });
  const parameters = new ParameterStore(engine);
  try {
    await loadParameters(engine, parameters, parameterSpecs(model.cells), weights);
    const { values, shape } = channelsLast(image.values, image.shape);
    const { output } = forwardChain(
      { engine, parameters, mode: 'evaluate', recomputing: false, batchNorm: 'micro', keep: false, draws: [] },
      model.cells,
      { input: engine.tensor(values, shape), incoming: new Map() },
    );
    const result = channelsFirst(engine.read(output) as Float32Array, output.shape);
    output.dispose();
    return result;
  } finally {
    parameters.dispose();
  }
}
