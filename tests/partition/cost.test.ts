import { describe, expect, it } from 'vitest';
import { sizeOf } from '../../src/engine/tensor.ts';
import { analyticCosts, costPerMicroBatch } from '../../src/partition/cost.ts';
import type { CountedCell } from '../../src/partition/cost.ts';

/** A layer that gives so many channels, at so many operations a value that it reads. */
const layer = (channels: number, operationsPerValue: number): CountedCell['layers'][number] => ({
  parameters: [
    {
      name: 'w',
      shape: [2, channels],
      layout: 'matrix',
      initializer: { kind: 'constant', value: 0 },
      role: 'parameter',
    },
    { name: 'b', shape: [channels], layout: 'vector', initializer: { kind: 'constant', value: 0 }, role: 'buffer' },
  ],
  outputShape: (input) => [...input.slice(0, -1), channels],
  operations: (input) => operationsPerValue * sizeOf(input),
});

const ceilings = { operationsPerSecond: 1e6, bytesPerSecond: 1e6 };

describe('analytic costs', () => {
  it('count operations and parameters, cell by cell, with the channels that a skip adds', () => {
    const cells = [
      { name: 'a', layers: [layer(4, 100)], stash: 's' },
      { name: 'b', layers: [layer(2, 100), layer(3, 100)] },
      { name: 'c', layers: [layer(1, 100)], pop: 's' },
    ];
    const costs = analyticCosts({ cells }, [1, 10, 10, 1], ceilings);
    // Values read: 100 · 1;  100 · 4, then 100 · 2;  100 · (3 + 4).
    expect(costs.map(({ operations }) => operations)).toEqual([10_000, 60_000, 70_000]);
    expect(costs.map(({ parameters }) => parameters)).toEqual([8, 10, 2]);
    expect(costs.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(costs.map(({ forward }) => forward)).toEqual([10, 60, 70]);
    expect(costs.map(({ backward }) => backward)).toEqual([20, 120, 140]);
    expect(costs.map(costPerMicroBatch)).toEqual([30, 180, 210]);
  });

  it('are bounded by memory where there is little to compute', () => {
    const [cost] = analyticCosts({ cells: [{ name: 'a', layers: [layer(1, 1)] }] }, [1, 10, 10, 1], ceilings);
    // 100 values read, 100 written, 4 bytes each.
    expect(cost?.forward).toBeCloseTo(0.8, 12);
    expect(cost?.operations).toBe(100);
  });
});
