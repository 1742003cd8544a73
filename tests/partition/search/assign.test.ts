import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignCells, SearchEffortError } from '../../../src/partition/search/assign.ts';
import type { Family } from '../../../src/partition/search/family.ts';
import type { Cluster, Workload } from '../../../src/partition/search/workload.ts';
import { bestByHand, worthByHand, type SmallInstance } from '../../support/everyAssignment.ts';
import { clusterOf, smallInstances, workloadOf, type Unlikeness } from '../../support/smallInstances.ts';

interface Case {
  readonly instance: SmallInstance;
  readonly slots: number;
  readonly stagesPerWorker: number;
  readonly live: readonly number[];
}

const stagesPerWorker = { consecutive: [1], folded: [2], interleaved: [2, 2, 2, 3] };

/** Few enough assignments to try them all. */
const cases = (family: Family, unlikeness: Unlikeness): fc.Arbitrary<Case> =>
  fc
    .record({ workers: fc.integer({ min: 1, max: 4 }), rows: fc.constantFrom(...stagesPerWorker[family]) })
    .chain(({ workers, rows }) =>
      fc.record({
        workers: fc.constant(workers),
        rows: fc.constant(rows),
        slots: fc.oneof(fc.constant(workers), fc.integer({ min: 1, max: workers })),
        spare: fc.integer({ min: 0, max: Math.max(0, (workers > 2 ? 10 : 12) - workers * rows) }),
      }),
    )
    .chain(({ workers, rows, slots, spare }) =>
      fc.record({
        instance: smallInstances({ cells: workers * rows + spare, workers, skips: 3 }, unlikeness),
        slots: fc.constant(slots),
        stagesPerWorker: fc.constant(rows),
        live: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: slots * rows, maxLength: slots * rows }),
      }),
    );

const expectBest = (family: Family, { instance, slots, stagesPerWorker: rows, live }: Case): void => {
  const request = { workload: workloadOf(instance), cluster: clusterOf(instance), family, slots, live };
  const found = assignCells({ ...request, stagesPerWorker: rows });
  const best = bestByHand(instance, family, slots, rows, live);
  if (best === Infinity) {
    expect(found).toBeUndefined();
    return;
  }
  expect(found?.proved).toBe(true);
  expect(found?.bottleneck).toBeLessThanOrEqual(best * (1 + 1e-9));
  const stageOfCell = found!.stages.flatMap(({ start, end }, stage) =>
    Array.from({ length: end - start }, () => stage),
  );
  expect(worthByHand(instance, stageOfCell, found!.placement, live)).toBeCloseTo(found!.bottleneck, 8);
};

const families: Family[] = ['consecutive', 'interleaved', 'folded'];
const ways: Unlikeness[] = ['alike', 'kinds of workers', 'all different', 'uneven links'];

describe.each(families)('the search for the best %s assignment', (family) => {
  it.each(ways)('is as good as trying every one: workers %s', (unlikeness) => {
    fc.assert(
      fc.property(cases(family, unlikeness), (each) => expectBest(family, each)),
      { numRuns: Number(process.env['LAMP_RUNS'] ?? 300) },
    );
  });
});

/** Cells of 1 to 10 ms with outputs and skips, as the large instances have them. */
const largeWorkload = (cells: number): Workload => ({
  times: Array.from({ length: cells }, (_, cell) => 1 + ((cell * 7919) % 97) / 10),
  outputs: Array.from({ length: cells }, (_, cell) => (cell * 104_729) % 1000),
  skips: [0, 1, 2, 3].map((level) => ({ name: `${level}`, stash: 5 * level, pop: cells - 1 - 5 * level, bytes: 1500 })),
  memory: (start, end) => ({ fixed: end - start, held: end - start, working: 1 }),
});

const evenCluster = (workers: number, memory: number): Cluster => ({
  workers: Array.from({ length: workers }, () => ({ speed: 1, memory })),
  exchange: (_here, _there, bytes) => 0.1 + bytes / 1000,
});

describe('the search', () => {
  it.each(families)('proves its answer for 200 cells on 64 workers, %s', (family) => {
    const live = Array.from({ length: 128 }, () => 4);
    const request = { workload: largeWorkload(200), family, slots: 64, stagesPerWorker: 2, live };
    const found = assignCells({ ...request, cluster: evenCluster(64, 100) });
    expect(found?.proved).toBe(true);
    expect(Math.max(...found!.memory)).toBeLessThanOrEqual(100);
    // Tighter limits cannot be faster; where there is none it can only be as fast or faster.
    expect(assignCells({ ...request, cluster: evenCluster(64, Infinity) })!.bottleneck).toBeLessThanOrEqual(
      found!.bottleneck,
    );
  });

  it('sends a skip through the stages between where the direct link is slow', () => {
    const slow = (here: number, there: number): boolean => Math.abs(here - there) === 2;
    const found = assignCells({
      workload: {
        ...largeWorkload(3),
        times: [5, 5, 5],
        outputs: [10, 10, 10],
        skips: [{ name: 'skip', stash: 0, pop: 2, bytes: 10 }],
      },
      cluster: {
        ...evenCluster(3, Infinity),
        exchange: (here, there, bytes) => (slow(here, there) ? bytes : bytes / 1000),
      },
      family: 'consecutive',
      slots: 3,
      stagesPerWorker: 1,
      live: [1, 1, 1],
    });
    expect(found?.threaded).toEqual(['skip']);
    expect(found?.placement).toEqual(expect.arrayContaining([0, 1, 2]));
    expect([found?.placement[1], found?.proved]).toEqual([1, true]);
  });

  it('keeps the two ends of a network on one worker where its skips are large', () => {
    const skips = [{ name: 'skip', stash: 0, pop: 7, bytes: 100_000 }];
    const request = {
      workload: { ...largeWorkload(8), skips },
      cluster: evenCluster(2, Infinity),
      slots: 2,
      live: [1, 1, 1, 1],
    };
    const folded = assignCells({ ...request, family: 'folded', stagesPerWorker: 2 })!;
    const consecutive = assignCells({ ...request, family: 'consecutive', stagesPerWorker: 1 })!;
    expect(folded.placement).toEqual([0, 1, 1, 0]);
    expect(folded.bottleneck).toBeLessThan(consecutive.bottleneck);
  });

  it('says so where its effort ends before an answer', () => {
    const workload = largeWorkload(60);
    const request = {
      workload,
      cluster: evenCluster(20, 100),
      family: 'folded',
      slots: 20,
      stagesPerWorker: 2,
    } as const;
    expect(() => assignCells({ ...request, live: Array.from({ length: 40 }, () => 1), effort: 10 })).toThrow(
      SearchEffortError,
    );
  });
});
