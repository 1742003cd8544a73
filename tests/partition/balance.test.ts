import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balanceCells, CutError } from '../../src/partition/balance.ts';
import { balanceOf, stageCosts } from '../../src/partition/partition.ts';
import type { Partition } from '../../src/partition/partition.ts';
import { milliseconds } from '../support/milliseconds.ts';

/** Every cut of so many cells into so many consecutive stages. */
function* everyCut(cells: number, stages: number, start = 0): Generator<Partition> {
  if (stages === 1) yield { stages: [{ start, end: cells }] };
  else
    for (let end = start + 1; end <= cells - stages + 1; end += 1)
      for (const rest of everyCut(cells, stages - 1, end)) yield { stages: [{ start, end }, ...rest.stages] };
}

const largest = (partition: Partition, costs: readonly number[]): number => Math.max(...stageCosts(partition, costs));
const squares = (partition: Partition, costs: readonly number[]): number =>
  stageCosts(partition, costs).reduce((sum, cost) => sum + cost ** 2, 0);

const instances = (cost: fc.Arbitrary<number>): fc.Arbitrary<{ costs: number[]; stages: number }> =>
  fc
    .array(cost, { minLength: 1, maxLength: 12 })
    .chain((costs) => fc.record({ costs: fc.constant(costs), stages: fc.integer({ min: 1, max: costs.length }) }));

const expectCut = (partition: Partition, cells: number, stages: number): void => {
  expect(partition.stages.length).toBe(stages);
  expect(partition.stages.flatMap(({ start, end }) => [start, end])).toEqual([
    0,
    ...partition.stages.slice(1).flatMap(({ start }) => [start, start]),
    cells,
  ]);
  expect(Math.min(...balanceOf(partition))).toBeGreaterThanOrEqual(1);
};

describe('the optimal cut', () => {
  it('has the smallest largest stage of all cuts, and of those the least sum of squares', () => {
    fc.assert(
      fc.property(instances(fc.nat(20)), ({ costs, stages }) => {
        const found = balanceCells(costs, stages);
        expectCut(found, costs.length, stages);
        const all = [...everyCut(costs.length, stages)];
        const best = Math.min(...all.map((cut) => largest(cut, costs)));
        const evenest = Math.min(
          ...all.filter((cut) => largest(cut, costs) === best).map((cut) => squares(cut, costs)),
        );
        expect(largest(found, costs)).toBe(best);
        expect(squares(found, costs)).toBe(evenest);
      }),
      { numRuns: 1000 },
    );
  });

  it('is as good with costs that are no whole numbers', () => {
    const time = milliseconds(500);
    fc.assert(
      fc.property(instances(time), ({ costs, stages }) => {
        const best = Math.min(...[...everyCut(costs.length, stages)].map((cut) => largest(cut, costs)));
        expect(largest(balanceCells(costs, stages), costs)).toBeLessThanOrEqual(best * (1 + 1e-9));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [[1, 1, 1, 1], 2, [2, 2]],
    [[5, 1, 1, 1], 2, [1, 3]],
    [[1, 1, 1, 5], 2, [3, 1]],
    // The largest stage is 9 in any case: the rest is as even as it can be.
    [[9, 2, 2, 2, 2], 3, [1, 2, 2]],
    // Of equals, the early stages get fewer cells: they keep the most micro-batches alive.
    [[1, 1, 1], 2, [1, 2]],
    [[0, 0, 0], 3, [1, 1, 1]],
    [[7], 1, [1]],
  ])('of %j into %i is %j', (costs, stages, balance) => {
    expect(balanceOf(balanceCells(costs, stages))).toEqual(balance);
  });

  it('is found for 200 cells on 64 workers', () => {
    const costs = Array.from({ length: 200 }, (_, cell) => 1 + ((cell * 7919) % 97) / 10);
    const found = balanceCells(costs, 64);
    expectCut(found, 200, 64);
    const total = costs.reduce((sum, cost) => sum + cost, 0);
    expect(largest(found, costs)).toBeGreaterThanOrEqual(Math.max(total / 64, ...costs));
    expect(balanceCells(costs, 64)).toEqual(found);
  });

  it.each([
    [[1, 2], 3, 'allowed are whole numbers from 1 to 2'],
    [[1, 2], 0, 'allowed are whole numbers from 1 to 2'],
    [[1, 2], 1.5, 'allowed are whole numbers from 1 to 2'],
    [[1, -2], 1, 'cell 1 costs -2'],
    [[NaN, 2], 1, 'cell 0 costs NaN'],
    [[1, Infinity], 1, 'cell 1 costs Infinity'],
    [[], 1, '0 cells'],
  ])('of %j into %d does not exist', (costs, stages, message) => {
    expect(() => balanceCells(costs, stages)).toThrow(CutError);
    expect(() => balanceCells(costs, stages)).toThrow(message);
  });
});
