import { access, constants, mkdir } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { runCommand } from '../engine/install/command.ts';
import { findCompiler, findExecutable, pipCandidates } from '../engine/install/executables.ts';
import { engineCache } from '../engine/install/location.ts';
import { probeEngine, type EngineProbe } from '../engine/install/probe.ts';
import { engineState, type EngineState } from '../engine/install/state.ts';

/** Something looked for: found, or why not. */
export type Found<T> = { readonly found: T } | { readonly fault: string };

export interface Gpu {
  readonly index: number;
  readonly name: string;
  readonly memory: string;
  readonly driver: string;
}

/** What `lamp doctor` looks at, as it was found. */
export interface DoctorFacts {
  readonly node: string;
  readonly engine: EngineState;
  /** What a process that loaded the engine saw; undefined where there is no engine. */
  readonly probe: Found<EngineProbe> | undefined;
  readonly gpus: readonly Gpu[];
  readonly visibleGpus: string | undefined;
  readonly zeroMq: Found<string>;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly cache: Found<string>;
  readonly pip: boolean;
  readonly compiler: boolean;
}

const ASK_MS = 15_000;
const LOAD_MS = 60_000;

export async function gatherFacts(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<DoctorFacts> {
  const engine = engineState(env);
  const load = (addon: string) => probeEngine(addon, signal, { env, timeoutMs: LOAD_MS });
  const [probe, gpus, zeroMq, cache] = await Promise.all([
    engine.kind === 'ready' ? attempt(() => load(engine.engine.addon)) : undefined,
    findGpus(env, signal),
    attempt(async () => (await import('../transport/version.ts')).zeroMqVersion()),
    attempt(() => writableFolder(engineCache(env))),
  ]);
  return {
    node: process.versions.node,
    engine,
    probe,
    gpus,
    visibleGpus: env['CUDA_VISIBLE_DEVICES'],
    zeroMq,
    cores: availableParallelism(),
    memory: totalmem(),
    cache,
    pip: pipCandidates(env).length > 0,
    compiler: findCompiler(env) !== undefined,
  };
}

/** The GPUs that NVIDIA's driver lists; none where it is not there or does not answer. */
async function findGpus(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Gpu[]> {
  const program = findExecutable('nvidia-smi', env);
  if (program === undefined) return [];
  const args = ['--query-gpu=index,name,memory.total,driver_version', '--format=csv,noheader'];
  const result = await runCommand(program, args, { env, signal, timeoutMs: ASK_MS });
  return result.kind === 'ended' && result.code === 0 ? result.tail.flatMap(parseGpu) : [];
}

/** `0, NVIDIA H100 80GB HBM3, 81559 MiB, 570.86.10` */
function parseGpu(line: string): Gpu[] {
  const [index, name, memory, driver] = line.split(', ');
  if (name === undefined || memory === undefined || driver === undefined) return [];
  return [{ index: Number(index), name, memory, driver }];
}

async function writableFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await access(folder, constants.W_OK);
  return folder;
}

async function attempt<T>(look: () => Promise<T>): Promise<Found<T>> {
  try {
    return { found: await look() };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}
