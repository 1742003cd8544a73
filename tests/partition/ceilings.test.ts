import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildModel } from '../../src/models/index.ts';
import { cellFootprints } from '../../src/partition/cellCost.ts';
import { ceilingsOf } from '../../src/partition/ceilings.ts';
import { estimatedTimes } from '../../src/partition/estimate.ts';
import { smallModel } from '../support/replay.ts';

const optimizer = { name: 'sgd', lr: 1, momentum: 0, nesterov: false, weight_decay: 0 } as const;
const cellsOf = (features: number, size: number) =>
  cellFootprints(
    buildModel(smallModel({ spatial_dims: 3, n_feat: features, depth: 3 })),
    [1, size, size, size, 1],
    optimizer,
  );

type Times = ReturnType<typeof estimatedTimes>;

const total = (times: Times): number => times.reduce((sum, { forward, backward }) => sum + forward + backward, 0);

/** How far two totals are apart, as the logarithm of their ratio. */
const apart = (one: Times, other: Times): number => Math.abs(Math.log(total(one) / total(other)));

const devices = fc.record({
  operationsPerSecond: fc.double({ min: 1e10, max: 3e14, noNaN: true }),
  bytesPerSecond: fc.double({ min: 1e9, max: 3e12, noNaN: true }),
  overheadMilliseconds: fc.double({ min: 0.005, max: 0.5, noNaN: true }),
});

it('the ceilings by which a network took its times are found again, as far as they show', () => {
  const cells = cellsOf(8, 32);
  fc.assert(
    fc.property(devices, (device) => {
      const times = estimatedTimes(cells, device);
      expect(apart(estimatedTimes(cells, ceilingsOf(cells, times)), times)).toBeLessThan(0.1);
    }),
    { numRuns: 40 },
  );
});

it('on a device where they all show, they tell the times of a wider network on larger images', () => {
  const device = { operationsPerSecond: 5e10, bytesPerSecond: 4e9, overheadMilliseconds: 0.03 };
  const [cells, wider] = [cellsOf(8, 32), cellsOf(16, 64)];
  const found = ceilingsOf(cells, estimatedTimes(cells, device));
  expect(apart(estimatedTimes(wider, found), estimatedTimes(wider, device))).toBeLessThan(0.02);
});
