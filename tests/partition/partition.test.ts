import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BalanceError,
  balanceFault,
  balanceOf,
  describePartition,
  evenBalance,
  partitionOf,
  stageCosts,
  stagesOfCells,
} from '../../src/partition/partition.ts';

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 });

describe('a balance given by hand', () => {
  it('becomes a partition, and back', () => {
    fc.assert(
      fc.property(sizes, (balance) => {
        const cells = balance.reduce((sum, size) => sum + size, 0);
        const partition = partitionOf(balance, cells);
        expect(balanceOf(partition)).toEqual(balance);
        expect(stagesOfCells(partition)).toEqual(
          balance.flatMap((size, stage) => Array.from({ length: size }, () => stage)),
        );
      }),
    );
  });

  it.each([
    [[3, 4], 'the balance [3, 4] adds up to 7 cells, but the model has 10', 'such as [5, 5]'],
    [[], 'the balance is empty', 'such as [10]'],
    [[5, 0, 5], 'the balance [5, 0, 5] has the entry 0', 'such as [4, 3, 3]'],
    [[5.5, 4.5], 'has the entry 5.5', 'such as [5, 5]'],
    [Array.from({ length: 12 }, () => 1), 'adds up to 12 cells', 'such as [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'],
  ])('is refused where it does not fit 10 cells: %j', (balance, problem, remedy) => {
    expect(() => partitionOf(balance, 10)).toThrow(BalanceError);
    expect(() => partitionOf(balance, 10)).toThrow(problem);
    expect(() => partitionOf(balance, 10)).toThrow(remedy);
  });

  it('fits where it is the even one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(30), (stages, more) => {
        const balance = evenBalance(stages + more, stages);
        expect(balanceFault(balance, stages + more)).toBeUndefined();
        expect(Math.max(...balance) - Math.min(...balance)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a partition', () => {
  const cells = ['stem', 'encoder.0', 'encoder.1', 'head'].map((name) => ({ name }));

  it('is told in a line a stage', () => {
    expect(describePartition(partitionOf([3, 1], 4), cells, [10, 20.25, 30, 39.75])).toEqual([
      'stage 0  cells 0–2 (3)  stem … encoder.1  60.3 ms  60%',
      'stage 1  cells 3–3 (1)  head              39.8 ms  40%',
    ]);
  });

  it('costs what its cells cost', () => {
    expect(stageCosts(partitionOf([3, 1], 4), [1, 2, 3, 4])).toEqual([6, 4]);
  });

  it('without costs has no shares', () => {
    expect(describePartition(partitionOf([4], 4), cells, [0, 0, 0, 0])[0]).toMatch(/0\.0 ms {2}0%$/);
  });
});
