import { execFile } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { promisify } from 'node:util';
import type { EngineSpec } from '../config/runFile.ts';
import { engineEnvironment } from '../engine/environment.ts';
import { allowedCores, shareCores } from './cores.ts';
import { transportEnvironment } from '../transport/environment.ts';
import type { HostFacts } from '../transport/protocol.ts';

/** What one worker is given to compute on. */
export interface Device {
  /** The GPU's index as CUDA counts them, or `undefined` on a CPU. */
  readonly gpu: string | undefined;
  readonly threads: number;
  /** Those that it has to itself; undefined where the system may put it anywhere. */
  readonly cores: readonly number[] | undefined;
  /** Environment of the process: must be set before the engine loads. */
  readonly environment: Record<string, string>;
  /** Where the process is one of another host. */
  readonly elsewhere?: Elsewhere;
}

interface Elsewhere {
  /** The process, and the `lamp worker` that started it: two of these may be on hosts of one name. */
  readonly id: string;
  readonly agent: string;
  /** The host's name. */
  readonly host: string;
  /** Bytes that tensors may take there. */
  readonly memory: number;
}

/** Of a device's memory, for tensors; the rest is for what comes with them: kernels' workspaces, links, the process itself. */
const SHARE_FOR_TENSORS = 0.9;

/** Bytes that each worker may hold: a share of its GPU, or of the machine's memory. */
export async function memoryOf(devices: readonly Device[]): Promise<readonly number[]> {
  const onGpus = new Map((await queryGpus('memory.total')).map(([gpu, mebibytes]) => [gpu, mebibytes * 2 ** 20]));
  const host = Math.min(totalmem(), process.constrainedMemory?.() || Infinity);
  return devices.map(({ gpu, elsewhere }) => {
    if (elsewhere) return elsewhere.memory;
    const together = devices.filter((other) => other.gpu === gpu).length;
    const all = gpu === undefined ? host : (onGpus.get(gpu) ?? Infinity);
    return (SHARE_FOR_TENSORS * all) / together;
  });
}

/** One number for every GPU that the driver lists. */
async function queryGpus(what: string): Promise<(readonly [gpu: string, value: number])[]> {
  const query = [`--query-gpu=index,${what}`, '--format=csv,noheader,nounits'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 });
    return stdout.split('\n').flatMap((line) => {
      const [gpu = '', value = ''] = line.split(',').map((text) => text.trim());
      return gpu !== '' && Number(value) > 0 ? [[gpu, Number(value)] as const] : [];
    });
  } catch {
    // No driver, no GPU.
    return [];
  }
}

/** The GPUs that a run may use: `CUDA_VISIBLE_DEVICES` where it is set, else all that the driver lists. */
export async function visibleGpus(): Promise<readonly string[]> {
  const chosen = process.env['CUDA_VISIBLE_DEVICES'];
  if (chosen !== undefined) return chosen.split(',').filter((gpu) => gpu !== '' && gpu !== '-1');
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', ['--query-gpu=index', '--format=csv,noheader'], {
      timeout: 10_000,
    });
    return stdout
      .split('\n')
      .filter((line) => /^\d+$/.test(line.trim()))
      .map((line) => line.trim());
  } catch {
    // No driver, no GPU.
    return [];
  }
}

/**
 * What a worker of another host has said that it computes on. Where nobody said there with how many threads, the run file may; else
 * it is its share of that host's cores.
 */
export function deviceElsewhere(id: string, facts: HostFacts, engine: EngineSpec): Device {
  const { name: host, agent, gpu, memory, threadsGiven } = facts;
  const threads = (threadsGiven ? undefined : engine.threads) ?? facts.threads;
  const elsewhere = { id, agent, host, memory };
  return { gpu: gpu ?? undefined, threads, cores: undefined, environment: {}, elsewhere };
}

/** How many workers `auto` means: one a GPU, or one where there is none. */
export const workersFor = (gpus: readonly string[], cells: number): number => Math.min(Math.max(1, gpus.length), cells);

/** Which workers these are of those that run side by side on this machine. */
export interface WorkersBeside {
  readonly first: number;
  readonly all: number;
}

/** A device for each worker: GPUs in turn, or an even share of the cores. */
export function assignDevices(
  workers: number,
  gpus: readonly string[],
  engine: EngineSpec,
  { first, all }: WorkersBeside = { first: 0, all: workers },
): readonly Device[] {
  const threads = Array.from({ length: all }, (_, k) => engine.threads ?? shareOf(availableParallelism(), all, k));
  const cores = gpus.length > 0 ? undefined : shareCores(allowedCores(), threads);
  return Array.from({ length: workers }, (_, worker) => {
    const place = first + worker;
    const gpu = gpus.length > 0 ? gpus[place % gpus.length] : undefined;
    const own = { gpu, threads: threads[place]!, cores: cores?.[place] };
    const environment = { ...transportEnvironment(), ...engineEnvironment({ threads: own.threads, gpu: gpu ?? '' }) };
    return { ...own, environment };
  });
}

/** 8 cores for 3 workers: 3, 3, 2. Never less than one. */
const shareOf = (cores: number, workers: number, worker: number): number =>
  Math.max(1, Math.floor(cores / workers) + (worker < cores % workers ? 1 : 0));
