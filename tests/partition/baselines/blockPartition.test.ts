import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CutError } from '../../../src/partition/balance.ts';
import { blockPartition } from '../../../src/partition/baselines/blockPartition.ts';
import { balanceOf, stageCosts } from '../../../src/partition/partition.ts';

const instances = fc
  .array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 })
  .chain((costs) => fc.record({ costs: fc.constant(costs), stages: fc.integer({ min: 1, max: costs.length }) }));

describe('the block partition of a sequence', () => {
  // The first is torchgpipe's own example; the second, step by step: 1 | 3 | 2 4 5, then 1 3 || 2 4 5, 1 3 | 2 | 4 5, 1 3 | 2 4 | 5.
  it.each([
    [[1, 2, 3, 4, 5, 6], 2, [4, 2]],
    [[1, 3, 2, 4, 5], 3, [2, 2, 1]],
    [[5], 1, [1]],
    [[1, 1, 1, 1], 4, [1, 1, 1, 1]],
  ])('cuts %j into %i as %j', (costs, stages, balance) => {
    expect(balanceOf(blockPartition(costs, stages))).toEqual(balance);
  });

  it('has no stage empty, and sums of scaled numbers that differ by no more than one', () => {
    fc.assert(
      fc.property(instances, ({ costs, stages }) => {
        const partition = blockPartition(costs, stages);
        expect(balanceOf(partition).reduce((sum, size) => sum + size, 0)).toBe(costs.length);
        expect(Math.min(...balanceOf(partition))).toBeGreaterThanOrEqual(1);
        const least = Math.min(...costs);
        const span = Math.max(...costs) - least;
        const sums = stageCosts(
          partition,
          costs.map((cost) => (span > 0 ? (cost - least) / span : 0)),
        );
        expect(Math.max(...sums) - Math.min(...sums)).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it('is told where there is none', () => {
    expect(() => blockPartition([1, 2], 3)).toThrow(CutError);
  });
});
