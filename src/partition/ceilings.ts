import type { CellFootprint, CellTimes } from './cellCost.ts';
import { estimatedTimes, type DeviceSpeed } from './estimate.ts';

const passes = ['forward', 'backwardInput', 'backwardWeights'] as const;
const ceilings = ['operationsPerSecond', 'bytesPerSecond', 'overheadMilliseconds'] as const;

/** Whatever the device, it is a few factors of this one away. */
const middle: DeviceSpeed = { operationsPerSecond: 1e12, bytesPerSecond: 1e11, overheadMilliseconds: 0.05 };
const firstFactor = 8;
const lastFactor = 1.0005;

/** Up, as it is, or down, for each of the ceilings: all ways but to stay. */
const moves: readonly (readonly number[])[] = [-1, 0, 1]
  .flatMap((a) => [-1, 0, 1].flatMap((b) => [-1, 0, 1].map((c) => [a, b, c])))
  .filter((move) => move.some((step) => step !== 0));

/**
 * The ceilings of a device by the times that it took for the cells of some network: those under which the estimates are off
 * by the least in all. What kernels really reach, not what stands on paper; good for networks of the same kind of cells.
 *
 * By pattern search (Hooke and Jeeves 1961) from the best corner of a coarse grid: every ceiling times a factor, over it or as
 * it is, and the factor's root where nothing is better.
 */
export const ceilingsOf = (cells: readonly CellFootprint[], measured: readonly CellTimes[]): DeviceSpeed => {
  const judged = (device: DeviceSpeed): Judged => ({
    device,
    miss: estimatedTimes(cells, device).reduce((sum, times, cell) => sum + distance(times, measured[cell]!), 0),
  });
  const corners = moves.flatMap((move) => [moved(middle, move, firstFactor ** 2), moved(middle, move, firstFactor)]);
  let best = leastOf([middle, ...corners].map(judged));
  for (let factor = firstFactor; factor > lastFactor;) {
    const next = leastOf(moves.map((move) => judged(moved(best.device, move, factor))));
    if (next.miss < best.miss) best = next;
    else factor = Math.sqrt(factor);
  }
  return best.device;
};

interface Judged {
  readonly device: DeviceSpeed;
  readonly miss: number;
}

const moved = (device: DeviceSpeed, move: readonly number[], factor: number): DeviceSpeed => ({
  ...device,
  ...Object.fromEntries(ceilings.map((ceiling, axis) => [ceiling, device[ceiling] * factor ** move[axis]!])),
});

const leastOf = (all: readonly Judged[]): Judged =>
  all.reduce((best, other) => (other.miss < best.miss ? other : best));

/** Milliseconds, over all passes: a cell that takes long counts for more. */
const distance = (one: CellTimes, other: CellTimes): number =>
  passes.reduce((sum, pass) => sum + Math.abs(one[pass] - other[pass]), 0);
