import { CutError } from '../balance.ts';
import { partitionOf } from '../partition.ts';
import type { Partition } from '../partition.ts';

/**
 * The block partition of a sequence (Bárány and Grinberg, Block partitions of sequences, 2015), with which torchgpipe balances
 * layers by their times or sizes. Of numbers scaled to [0, 1] it finds consecutive blocks whose sums differ by at most 1:
 *
 *     1. Let p be a largest block.
 *     2. Where the largest exceeds the smallest by no more than 1, that is it.
 *     3. Else let q be the smallest block, of equals the closest to p. It takes one element from its neighbour on the side of
 *        p. Where that neighbour is p, go to 1; else to 2.
 *
 * As there, scaling takes the least number to 0. Not optimal; here for comparison. No block is left empty: where the algorithm
 * does that (numbers that are scaled to 0), a neighbour gives one element.
 */
export const blockPartition = (costs: readonly number[], stages: number): Partition => {
  const cells = costs.length;
  if (!Number.isInteger(stages) || stages < 1 || stages > cells)
    throw new CutError(cells, stages, `allowed are whole numbers from 1 to ${cells}, the number of cells`);
  const least = Math.min(...costs);
  const span = Math.max(...costs) - least;
  const blocks = new Blocks(
    costs.map((cost) => (span > 0 ? (cost - least) / span : 0)),
    stages,
  );
  for (let largest = blocks.largest(); ; largest = blocks.largest())
    if (blocks.level(largest) === 'done') return partitionOf(blocks.balance(), cells);
};

class Blocks {
  readonly #values: readonly number[];
  /** Where each block ends. */
  readonly #ends: number[];

  constructor(values: readonly number[], count: number) {
    this.#values = values;
    const size = Math.floor(values.length / count);
    this.#ends = Array.from({ length: count }, (_, block) =>
      block === count - 1 ? values.length : size * (block + 1),
    );
  }

  largest(): number {
    const sums = this.#sums();
    return sums.lastIndexOf(Math.max(...sums));
  }

  /** Steps 2 and 3 for a largest block, until it gives an element itself or all is even. */
  level(p: number): 'done' | 'changed' {
    const most = this.#sums()[p]!;
    for (;;) {
      const sums = this.#sums();
      const least = Math.min(...sums);
      if (most <= least + 1) return 'done';
      const smallest = [...sums.keys()].filter((block) => sums[block] === least);
      const [q = p] = smallest.toSorted((a, b) => Math.abs(a - p) - Math.abs(b - p));
      const giver = p < q ? q - 1 : q + 1;
      if (p < q) this.#ends[giver]! -= 1;
      else this.#ends[q]! += 1;
      if (giver === p) return 'changed';
    }
  }

  balance(): number[] {
    const ends = [...this.#ends];
    for (let block = 0; block < ends.length - 1; block += 1)
      ends[block] = Math.max(ends[block]!, (ends[block - 1] ?? 0) + 1);
    for (let block = ends.length - 2; block >= 0; block -= 1)
      ends[block] = Math.min(ends[block]!, ends[block + 1]! - 1);
    return ends.map((end, block) => end - (ends[block - 1] ?? 0));
  }

  #sums(): number[] {
    return this.#ends.map((end, block) =>
      this.#values.slice(this.#ends[block - 1] ?? 0, end).reduce((sum, value) => sum + value, 0),
    );
  }
}
