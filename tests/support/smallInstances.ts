import * as fc from 'fast-check';
import type { Cluster, Workload } from '../../src/partition/search/workload.ts';
import type { SmallInstance } from './everyAssignment.ts';
import { milliseconds } from './milliseconds.ts';

/** How workers and their links differ. */
export type Unlikeness = 'alike' | 'kinds of workers' | 'all different' | 'uneven links';

interface Sizes {
  readonly cells: number;
  readonly workers: number;
  readonly skips: number;
}

const time = fc.oneof(fc.integer({ min: 0, max: 12 }), milliseconds(12));
const bytes = fc.integer({ min: 0, max: 1000 });
const times = <T>(count: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(arbitrary, { minLength: count, maxLength: count });

/** Instances whose every assignment can be tried. */
export const smallInstances = (
  { cells, workers, skips }: Sizes,
  unlikeness: Unlikeness,
): fc.Arbitrary<SmallInstance> => {
  const square = (arbitrary: fc.Arbitrary<number>): fc.Arbitrary<number[][]> =>
    unlikeness === 'uneven links'
      ? times(workers, times(workers, arbitrary))
      : arbitrary.map((value) => Array.from({ length: workers }, () => Array.from({ length: workers }, () => value)));
  const perWorker = (all: readonly number[], kinds: fc.Arbitrary<number>): fc.Arbitrary<number[]> =>
    unlikeness === 'alike'
      ? fc.constantFrom(...all).map((value) => Array.from({ length: workers }, () => value))
      : times(workers, unlikeness === 'kinds of workers' ? fc.constantFrom(...all) : kinds);
  return fc.record({
    times: times(cells, time),
    outputs: times(cells, bytes),
    skips: fc.array(skipOf(cells), { maxLength: cells > 1 ? skips : 0 }),
    fixed: times(cells, bytes),
    held: times(cells, bytes),
    working: times(cells, bytes),
    speeds: perWorker([1, 2], fc.double({ min: 0.25, max: 4, noNaN: true })),
    memories: perWorker(
      [Infinity, 6000, 12000],
      fc.oneof(fc.constant(Infinity), fc.integer({ min: 1000, max: 30000 })),
    ),
    latencies: square(fc.constantFrom(0, 0.25, 1)),
    bandwidths: square(fc.constantFrom(50, 200, 1000, Infinity)),
    copyBandwidths: perWorker([Infinity, 500], fc.constantFrom(100, 500, Infinity)),
  });
};

const skipOf = (cells: number): fc.Arbitrary<{ stash: number; pop: number; bytes: number }> =>
  fc
    .tuple(fc.nat(Math.max(0, cells - 2)), fc.nat(1000), bytes)
    .map(([stash, offset, size]) => ({ stash, pop: stash + 1 + (offset % (cells - 1 - stash)), bytes: size }));

/** The same as the search takes it. */
export const workloadOf = (instance: SmallInstance): Workload => {
  const sum = (values: readonly number[], start: number, end: number): number =>
    values.slice(start, end).reduce((total, value) => total + value, 0);
  return {
    times: instance.times,
    outputs: instance.outputs,
    skips: instance.skips.map((skip, index) => ({ ...skip, name: `skip.${index}` })),
    memory: (start, end) => ({
      fixed: sum(instance.fixed, start, end),
      held: sum(instance.held, start, end),
      working: Math.max(...instance.working.slice(start, end)),
    }),
  };
};

export const clusterOf = (instance: SmallInstance): Cluster => ({
  workers: instance.speeds.map((speed, worker) => ({ speed, memory: instance.memories[worker]! })),
  exchange: (here, there, size) =>
    instance.latencies[here]![there]! +
    instance.latencies[there]![here]! +
    size / instance.bandwidths[here]![there]! +
    size / instance.bandwidths[there]![here]! +
    (2 * size) / instance.copyBandwidths[here]!,
});
