import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignCells } from '../../../src/partition/search/assign.ts';
import type { Family } from '../../../src/partition/search/family.ts';
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
