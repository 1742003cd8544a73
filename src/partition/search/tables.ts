import type { Cluster, StageMemory, Workload } from './workload.ts';

/** Workers that the search cannot tell apart. */
export interface WorkerKind {
  readonly speed: number;
  readonly memory: number;
  readonly workers: readonly number[];
  readonly charges: Charges;
}

/** What a worker pays at least for what leaves and enters it: with the cheapest partner that it has. */
class Charges {
  /** For the cut before each cell. */
  readonly cuts: Float64Array;
  readonly #cells: number;
  /** Of skips with an end before a cell. */
  readonly #ends: Float64Array;
  /** Of skips stashed before cell x and popped before cell y, at x · (cells + 1) + y. */
  readonly #pairs: Float64Array;

  constructor(workload: Workload, charge: (bytes: number) => number) {
    const cells = workload.times.length;
    const width = cells + 1;
    this.#cells = cells;
    this.cuts = Float64Array.from({ length: width }, (_, cell) =>
      cell === 0 || cell === cells ? 0 : charge(workload.outputs[cell - 1]!),
    );
    this.#ends = new Float64Array(width);
    this.#pairs = new Float64Array(width * width);
    for (const { stash, pop, bytes } of workload.skips) {
      const time = charge(bytes);
      for (let cell = stash + 1; cell <= cells; cell += 1) this.#ends[cell]! += time;
      for (let cell = pop + 1; cell <= cells; cell += 1) this.#ends[cell]! += time;
      for (let x = stash + 1; x <= cells; x += 1)
        for (let y = pop + 1; y <= cells; y += 1) this.#pairs[x * width + y]! += time;
    }
  }

  /** Of all ends of skips in cells a … b − 1. */
  ends(a: number, b: number): number {
    return this.#ends[b]! - this.#ends[a]!;
  }

  /** Of skips stashed in a … b − 1 and popped in c … d − 1. */
  between(a: number, b: number, c: number, d: number): number {
    const width = this.#cells + 1;
    const pairs = this.#pairs;
    return pairs[b * width + d]! - pairs[a * width + d]! - pairs[b * width + c]! + pairs[a * width + c]!;
  }
}

/** Sums and charges of every range of cells, looked up in no time. */
export interface Tables {
  readonly cells: number;
  /** Time of the cells before each. */
  readonly timeBefore: Float64Array;
  readonly kinds: readonly WorkerKind[];
  /** Whether the charges are not only the least but all there is: every link of a worker is as good as its others. */
  readonly evenLinks: boolean;
  readonly memory: (start: number, end: number) => StageMemory;
}

export const tablesOf = (workload: Workload, cluster: Cluster): Tables => {
  const cells = workload.times.length;
  const timeBefore = new Float64Array(cells + 1);
  for (const [cell, time] of workload.times.entries()) timeBefore[cell + 1] = timeBefore[cell]! + time;
  const sizes = [...new Set([...workload.outputs.slice(0, -1), ...workload.skips.map(({ bytes }) => bytes)])];
  const ranges = cluster.workers.map((_, worker) => sizes.map((bytes) => chargeRange(cluster, worker, bytes)));
  const kinds = new Map<string, WorkerKind>();
  for (const [worker, { speed, memory }] of cluster.workers.entries()) {
    const least = ranges[worker]!.map((range) => range.least);
    const key = JSON.stringify([speed, String(memory), least]);
    const known = kinds.get(key);
    const charges = known?.charges ?? new Charges(workload, (bytes) => least[sizes.indexOf(bytes)]!);
    kinds.set(key, { speed, memory, charges, workers: [...(known?.workers ?? []), worker] });
  }
  return {
    cells,
    timeBefore,
    kinds: [...kinds.values()],
    evenLinks: ranges.flat().every(({ least, most }) => most <= least * (1 + 1e-12)),
    memory: remembered(cells, workload.memory),
  };
};

const chargeRange = (cluster: Cluster, worker: number, bytes: number): { least: number; most: number } => {
  let [least, most] = [Infinity, -Infinity];
  for (let other = 0; other < cluster.workers.length; other += 1) {
    if (other === worker) continue;
    const time = cluster.exchange(worker, other, bytes);
    least = Math.min(least, time);
    most = Math.max(most, time);
  }
  return most < 0 ? { least: 0, most: 0 } : { least, most };
};

const remembered = (cells: number, memory: Workload['memory']): Workload['memory'] => {
  const known: (StageMemory | undefined)[] = [];
  return (start, end) => (known[start * (cells + 1) + end] ??= memory(start, end));
};
