import { linkKey } from '../pipeline/messages.ts';
import { chunk } from '../pipeline/microBatch.ts';
import { linkBetween, type Machine, type MachineLink, type MachineWorker } from '../pipeline/stageCost.ts';

/*
 * Replicas are pipelines of K workers each that share every mini-batch: worker r · K + k of a run is worker k of replica r.
 *
 *     mini-batch of 5 samples in 3 micro-batches     2 2 │ 1
 *                                             replica 0  │  replica 1
 */

/** A replica would have nothing to do. */
export class ReplicasError extends RangeError {
  override readonly name = 'ReplicasError';
  readonly replicas: number;
  readonly microBatches: number;

  constructor(replicas: number, microBatches: number) {
    super(
      `${replicas} replicas for ${microBatches} micro-batches: each takes one at least; give at most ${microBatches} ` +
        '(pipeline.replicas), or more micro-batches',
    );
    this.replicas = replicas;
    this.microBatches = microBatches;
  }
}

/** Consecutive micro-batches for each replica; the first ones get one more where they do not come out even. */
export function sharesOf<T>(microBatches: readonly T[], replicas: number): T[][] {
  const least = Math.floor(microBatches.length / replicas);
  const more = microBatches.length % replicas;
  const begin = (replica: number): number => replica * least + Math.min(replica, more);
  return Array.from({ length: replicas }, (_, replica) => microBatches.slice(begin(replica), begin(replica + 1)));
}

/** How many micro-batches the replica has that has most of them: the first. */
export const mostOfAny = (microBatches: number, replicas: number): number => Math.ceil(microBatches / replicas);

/** What one pipeline is planned for. */
export interface Load {
  /** Samples of a step. */
  readonly batchSize: number;
  readonly microBatches: number | 'auto';
}

/** The load of the replica that has most. */
export function largestShare({ batchSize, microBatches }: Load, replicas: number): Load {
  if (replicas === 1) return { batchSize, microBatches };
  if (microBatches === 'auto') return { batchSize: Math.ceil(batchSize / replicas), microBatches };
  const [first = []] = sharesOf(chunk(batchSize, microBatches), replicas);
  return { batchSize: first.reduce((sum, size) => sum + size, 0), microBatches: first.length };
}

/**
 * Into how many micro-batches the whole mini-batch is cut where the largest share was found to go best in `chosen`: of the same
 * size, unless there would be fewer than replicas.
 */
export function wholeCut({ batchSize }: Pick<Load, 'batchSize'>, chosen: number, replicas: number): number {
  if (replicas === 1) return chosen;
  let size = Math.ceil(Math.ceil(batchSize / replicas) / chosen);
  while (size > 1 && Math.ceil(batchSize / size) < replicas) size--;
  return Math.ceil(batchSize / size);
}

/**
 * The machine that every replica can count on, where one plan is to hold for all of them: worker k is as slow, and has as little
 * memory, as the worst of all workers k.
 */
export function oneReplica(machine: Machine, replicas: number): Machine {
  if (replicas === 1) return machine;
  const workers = Math.floor(machine.workers.length / replicas);
  const each = Array.from({ length: replicas }, (_, replica) => replica * workers);
  const all = Array.from({ length: workers }, (_, k) => k);
  const worst = (k: number): MachineWorker => {
    const alike = each.map((first) => machine.workers[first + k]!);
    const least = (figure: (worker: MachineWorker) => number): number => Math.min(...alike.map(figure));
    return {
      speed: least(({ speed }) => speed),
      memory: least(({ memory }) => memory),
      copyBytesPerMs: least(({ copyBytesPerMs }) => copyBytesPerMs),
    };
  };
  const slowest = (from: number, to: number): MachineLink => {
    const links = each.map((first) => linkBetween(machine, first + from, first + to));
    return {
      latency: Math.max(...links.map(({ latency }) => latency)),
      bytesPerMs: Math.min(...links.map(({ bytesPerMs }) => bytesPerMs)),
    };
  };
  const links = all.flatMap((from) =>
    all.flatMap((to) => {
      const link = slowest(from, to);
      const usual = link.latency === machine.link.latency && link.bytesPerMs === machine.link.bytesPerMs;
      return from === to || usual ? [] : [[linkKey({ fromWorker: from, toWorker: to }), link] as const];
    }),
  );
  return { workers: all.map(worst), link: machine.link, links: Object.fromEntries(links) };
}

/** How many pipelines, of how many workers each. */
export interface Shape {
  readonly replicas: number;
  readonly workers: number;
}

/**
 * How so many workers are used where there should be `wanted`: as many full pipelines as there are workers for, so that no worker
 * has to hold more than before where that can be helped; what is left over makes them longer, up to `longest` workers.
 *
 *     wanted 2 of 2, 3 left: 1 of 3        wanted 3 of 2, 5 left: 2 of 2        wanted 2 of 2, 1 left: 1 of 1
 */
export function shapeFor(left: number, wanted: Shape, longest = Infinity): Shape {
  const replicas = Math.min(wanted.replicas, Math.max(1, Math.floor(left / wanted.workers)));
  const workers = Math.min(Math.floor(left / replicas), Math.max(longest, wanted.workers));
  return { replicas, workers: replicas === wanted.replicas ? Math.min(workers, wanted.workers) : workers };
}

export const workersIn = ({ replicas, workers }: Shape): number => replicas * workers;
