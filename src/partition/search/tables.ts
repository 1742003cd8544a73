import type { Layout } from './family.ts';
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
  /** Of every size of message. */
  readonly #sizes: readonly number[];
  /** Of skips with an end before a cell. */
  readonly #ends: Float64Array;
  /** Of skips stashed before cell x and popped before cell y, at x · (cells + 1) + y. */
  readonly #pairs: Float64Array;

  constructor(workload: Workload, sizes: readonly number[], times: readonly number[]) {
    const charge = (bytes: number): number => times[sizes.indexOf(bytes)]!;
    this.#sizes = times;
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

  /** Whether everything costs no more here than there. */
  atMost(other: Charges): boolean {
    return this.#sizes.every((time, index) => time <= other.#sizes[index]!);
  }

  get total(): number {
    return this.#sizes.reduce((sum, time) => sum + time, 0);
  }

  /** Of the two cuts around cells a … b − 1, and of the skips with one end among them. */
  around(a: number, b: number): number {
    const inside = this.#ends[b]! - this.#ends[a]! - 2 * this.between(a, b, a, b);
    return this.cuts[a]! + this.cuts[b]! + Math.max(0, inside);
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
  /** Whether each kind is at least as good as the next in everything: speed, memory, charges. */
  readonly ranked: boolean;
  /** Whether the charges are not only the least but all there is: every link of a worker is as good as its others. */
  readonly evenLinks: boolean;
  /**
   * What the last so many slots of a layout pay at least for cuts, in time of a worker of speed 1: each slot has a cut a front
   * to the slot before, which both pay; all cuts differ, and the slowest worker's time is the cheapest.
   */
  readonly leastCharges: (layout: Layout, slots: number) => number;
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
    const charges = known?.charges ?? new Charges(workload, sizes, least);
    kinds.set(key, { speed, memory, charges, workers: [...(known?.workers ?? []), worker] });
  }
  const ordered = [...kinds.values()].toSorted(
    (a, b) => b.speed - a.speed || b.memory - a.memory || a.charges.total - b.charges.total,
  );
  return {
    cells,
    timeBefore,
    kinds: ordered,
    ranked: ordered.every((kind, index) => index === 0 || isAsGood(ordered[index - 1]!, kind)),
    evenLinks: ranges.flat().every(({ least, most }) => most <= least * (1 + 1e-12)),
    leastCharges: leastCharges(cells, ordered),
    memory: remembered(cells, workload.memory),
  };
};

const leastCharges = (cells: number, kinds: readonly WorkerKind[]): Tables['leastCharges'] => {
  const cuts = Array.from({ length: cells - 1 }, (_, cut) =>
    Math.min(...kinds.map((kind) => kind.charges.cuts[cut + 1]!)),
  );
  const sums = [0];
  for (const cut of cuts.toSorted((a, b) => a - b)) sums.push(sums.at(-1)! + cut);
  const slowest = Math.min(...kinds.map(({ speed }) => speed));
  return ({ slotOfStage, slots: all }, slots) => {
    const fronts = slotOfStage.length / all;
    return slots === 0 ? 0 : slowest * (sums[fronts * slots]! + sums[fronts * (slots - 1)]!);
  };
};

/** Whether a worker of one kind can stand in for one of another. */
const isAsGood = (one: WorkerKind, other: WorkerKind): boolean =>
  one.speed >= other.speed && one.memory >= other.memory && one.charges.atMost(other.charges);

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
