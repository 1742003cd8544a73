import { expect, it } from 'vitest';
import { gatherTimes, type WorkerTimes } from '../../src/partition/gatheredTimes.ts';
import type { Spread } from '../../src/partition/spread.ts';

const around = (median: number): Spread => ({ median, lower: 0.5 * median, upper: 2 * median });

/** A worker that takes `slowness` times as long for everything. */
const worker = (slowness: number): WorkerTimes => ({
  cells: [2, 4].map((forward) => ({
    forward: around(slowness * forward),
    backward: around(2 * slowness * forward),
    backwardInput: around(slowness * forward),
    backwardWeights: around(slowness * forward),
  })),
  loss: around(3 * slowness),
  update: around(slowness),
});
const names = ['stem', 'head'];

it('workers of equal speed give the median of their times, and of their quartiles', () => {
  const { cells, speeds, loss_milliseconds, update_per_million } = gatherTimes([worker(1), worker(1.1)], names);
  expect(speeds).toEqual([1, 1]);
  expect(cells.map(({ name }) => name)).toEqual(names);
  expect(cells[0]!.forward).toBeCloseTo(2.1);
  expect(cells[1]!.spread.backward[0]).toBeCloseTo(4.2);
  expect(cells[1]!.spread.backward[1]).toBeCloseTo(16.8);
  expect([loss_milliseconds, update_per_million]).toEqual([expect.closeTo(3.15), expect.closeTo(1.05)]);
});

it('a worker that is twice as slow has half the speed, and the times are those of the median worker', () => {
  const { cells, speeds } = gatherTimes([worker(1), worker(2), worker(1)], names);
  expect(speeds).toEqual([1, 0.5, 1]);
  expect(cells.map(({ forward }) => forward)).toEqual([2, 4]);
});
