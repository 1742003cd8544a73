import { reach } from './reach.ts';
import type { Reached, ReachRequest } from './reach.ts';
import type { Effort } from './states.ts';

/** Two loads closer than this, relatively, are one: sums of different order differ in their last digits. */
export const sameLoad = 1e-12;

export interface LeastBottleneck {
  readonly found: Reached | undefined;
  /** No assignment has a smaller largest load. Equal to the one found, where the effort sufficed; Infinity where nothing fits. */
  readonly bound: number;
}

export type Question = Omit<ReachRequest, 'fronts' | 'width'>;

/**
 * The assignment with the least largest load, by parametric search over the limit: an infeasible limit says the next one
 * that could do, a feasible one is as large as what was found under it. Exact: the search ends when nothing is left between.
 *
 * Interleaved stages have v fronts, whose beginnings are tried one by one, the evenest first: one that cannot do better than
 * the best is told by a single question.
 */
export const leastBottleneck = (question: Question, effort: Effort): LeastBottleneck => {
  let best = quickGuess(question);
  let bound = Infinity;
  const all = frontsOf(question);
  for (const fronts of all) {
    const result = leastFrom({ ...question, fronts }, best?.bottleneck ?? Infinity, effort);
    if (result.found) best = result.found;
    bound = Math.min(bound, result.bound);
    if (effort.left < 0) return { found: best, bound: all.length > 1 ? lowest(question) : bound };
  }
  return { found: best, bound: best ? Math.min(bound, best.bottleneck) : bound };
};

/** Where workers differ, a narrow search first: what it finds is good, and the proof that nothing is better needs few states. */
const quickGuess = (question: Question): Reached | undefined => {
  const [fronts] = frontsOf(question);
  if (question.tables.kinds.length === 1 || !fronts) return undefined;
  const width = Math.max(20, Math.ceil(1000 / question.tables.kinds.length));
  return leastFrom({ ...question, fronts, width }, Infinity, { left: Infinity }).found;
};

/** The least below `best`, if there is one. */
const leastFrom = (request: ReachRequest, best: number, effort: Effort): LeastBottleneck => {
  const search = new Bisection(request, best, effort);
  if (best < Infinity) search.ask(search.high);
  // From below, in growing steps: low limits leave few states.
  else
    for (let step = 0.01; search.isOpen && !search.found; step *= 2)
      search.ask(search.low * (step > 0.01 ? 1 + step : 1));
  while (search.isOpen && search.found) search.ask(search.middle);
  return { found: search.found, bound: search.found && effort.left >= 0 ? search.found.bottleneck : search.low };
};

class Bisection {
  /** No assignment is under `low`; what is sought is at most `high`. */
  low: number;
  high: number;
  found: Reached | undefined;
  readonly #request: ReachRequest;
  readonly #effort: Effort;

  constructor(request: ReachRequest, best: number, effort: Effort) {
    this.#request = request;
    this.#effort = effort;
    this.low = lowest(request);
    this.high = best * (1 - sameLoad);
  }

  get isOpen(): boolean {
    return this.low < this.high && this.#effort.left >= 0;
  }

  /** At last the highest itself: then what is found is better by the least that counts, or nothing is. */
  get middle(): number {
    return this.high - this.low > 1e-4 * this.high ? (this.low + this.high) / 2 : this.high;
  }

  ask(limit: number): void {
    if (!this.isOpen) return;
    const result = reach(this.#request, limit, this.#effort);
    if (result.found) {
      this.found = result.found;
      this.high = result.found.bottleneck * (1 - sameLoad);
    } else if (this.#effort.left >= 0) this.low = Math.max(limit, result.next);
  }
}

/** No limit below this can do: all workers busy all the time; the largest cell on the fastest. */
const lowest = ({ tables, layout }: Pick<ReachRequest, 'tables' | 'layout'>): number => {
  const speeds = tables.kinds
    .flatMap(({ speed, workers }) => workers.map(() => speed))
    .toSorted((a, b) => b - a)
    .slice(0, layout.slots);
  const { timeBefore, cells } = tables;
  const largest = Math.max(...timeBefore.subarray(1).map((time, cell) => time - timeBefore[cell]!));
  const sum = speeds.reduce((total, speed) => total + speed, 0);
  const all = timeBefore[cells]! + (layout.slots > 1 ? tables.leastCharges(layout, layout.slots - 1) : 0);
  return Math.max(all / sum, largest / (speeds[0] ?? 1)) * (1 - sameLoad);
};

/** Where the fronts of a layout can begin, and the number of cells last. */
const frontsOf = ({ tables: { cells, timeBefore }, layout }: Question): number[][] => {
  const { family, slots, slotOfStage } = layout;
  if (family !== 'interleaved') return [[0, cells]];
  const rows = slotOfStage.length / slots;
  const all: number[][] = [];
  const visit = (starts: readonly number[]): void => {
    if (starts.length === rows) {
      all.push([...starts, cells]);
      return;
    }
    const last = cells - slots * (rows - starts.length);
    for (let start = (starts.at(-1) ?? 0) + slots; start <= last; start += 1) visit([...starts, start]);
  };
  visit([0]);
  const share = timeBefore[cells]! / rows;
  const unevenness = (fronts: readonly number[]): number =>
    fronts.slice(0, -1).reduce((sum, start, row) => sum + (timeBefore[start]! - row * share) ** 2, 0);
  return all.toSorted((a, b) => unevenness(a) - unevenness(b));
};
