import type { Layout } from './family.ts';
import { reach } from './reach.ts';
import type { Effort, Reached, ReachRequest, ReachResult } from './reach.ts';
import type { Tables } from './tables.ts';

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
  let [low, high] = [lowest(request), best * (1 - sameLoad)];
  let found: Reached | undefined;
  if (low >= high) return { found, bound: low };
  const ask = (limit: number): ReachResult => {
    const result = reach(request, limit, effort);
    if (result.found) [found, high] = [result.found, result.found.bottleneck * (1 - sameLoad)];
    else if (effort.left >= 0) low = Math.max(limit, result.next);
    return result;
  };
  if (best < Infinity && !ask(high).found) return { found, bound: low };
  // From below, in growing steps: low limits leave few states.
  for (let step = 0.01; !found && low < Infinity && effort.left >= 0; step *= 2)
    ask(low * (step > 0.01 ? 1 + step : 1));
  while (found && low < high && effort.left >= 0) ask(high - low > 1e-4 * high ? (low + high) / 2 : high);
  return { found, bound: found && effort.left >= 0 ? found.bottleneck : low };
};

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
