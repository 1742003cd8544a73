import type { CellRange, Partition } from './partition.ts';

/** Costs or a number of stages for which there is no cut. */
export class CutError extends RangeError {
  override readonly name = 'CutError';
  readonly cells: number;
  readonly stages: number;

  constructor(cells: number, stages: number, reason: string) {
    super(`${cells} cells cannot be cut into ${stages} stages: ${reason}`);
    this.cells = cells;
    this.stages = stages;
  }
}

/**
 * The optimal cut of a list of cell costs into consecutive stages, each of one cell at least: the largest stage is as small
 * as can be. Of all such cuts the one with the least sum of squares, which is the most even one; and of those, the one whose
 * later stages begin earliest, for early stages keep the most micro-batches alive.
 *
 * Two dynamic programmes over prefixes, O(cells² · stages) each, exact and deterministic:
 *
 *     largest[k][i] = min over j < i of max(largest[k − 1][j], cost(j … i))
 *     squares[k][i] = min over j < i, cost(j … i) ≤ largest[K][n], of squares[k − 1][j] + cost(j … i)²
 */
export const balanceCells = (costs: readonly number[], stages: number): Partition => {
  check(costs, stages);
  const cost = rangeCosts(costs);
  const largest = search(costs.length, stages, (before, j, i) => Math.max(before, cost(j, i)));
  // Equal sums of different order differ in their last digits: within that, a stage is not larger.
  const bound = largest.best * (1 + 1e-12);
  const evenest = search(costs.length, stages, (before, j, i) =>
    cost(j, i) <= bound ? before + cost(j, i) ** 2 : Infinity,
  );
  return { stages: evenest.ranges };
};

const check = (costs: readonly number[], stages: number): void => {
  const cells = costs.length;
  if (!Number.isInteger(stages) || stages < 1 || stages > cells)
    throw new CutError(cells, stages, `allowed are whole numbers from 1 to ${cells}, the number of cells`);
  const place = costs.findIndex((cost) => !(cost >= 0 && cost < Infinity));
  if (place >= 0) throw new CutError(cells, stages, `cell ${place} costs ${costs[place]}; a cost is a number from 0`);
};

/** The cost of cells j … i − 1, from sums of prefixes. */
const rangeCosts = (costs: readonly number[]): ((j: number, i: number) => number) => {
  const prefix = new Float64Array(costs.length + 1);
  for (const [index, cost] of costs.entries()) prefix[index + 1] = (prefix[index] ?? 0) + cost;
  return (j, i) => (prefix[i] ?? 0) - (prefix[j] ?? 0);
};

interface Best {
  readonly best: number;
  readonly ranges: readonly CellRange[];
}

/** The cut with the least value, where `extend` gives the value of a cut of j cells and one more stage, j … i. */
const search = (cells: number, stages: number, extend: (before: number, j: number, i: number) => number): Best => {
  let values = new Float64Array(cells + 1).fill(Infinity);
  values[0] = 0;
  const starts: Int32Array[] = [];
  for (let stage = 1; stage <= stages; stage += 1) {
    const next = new Float64Array(cells + 1).fill(Infinity);
    const start = new Int32Array(cells + 1).fill(-1);
    for (let i = stage; i <= cells - (stages - stage); i += 1)
      for (let j = stage - 1; j < i; j += 1) {
        const value = extend(values[j] ?? Infinity, j, i);
        if (value < (next[i] ?? Infinity)) {
          next[i] = value;
          start[i] = j;
        }
      }
    values = next;
    starts.push(start);
  }
  const ranges: CellRange[] = [];
  for (let end = cells, stage = stages - 1; stage >= 0; stage -= 1) {
    const start = starts[stage]?.[end] ?? 0;
    ranges.unshift({ start, end });
    end = start;
  }
  return { best: values[cells] ?? Infinity, ranges };
};
