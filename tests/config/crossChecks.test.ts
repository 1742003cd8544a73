import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { crossChecks } from '../../src/config/crossChecks.ts';
import { modelDivisor } from '../../src/config/modelDivisor.ts';
import { arbitraryRunFile } from './arbitraryRunFile.ts';

test('the sizes that are suggested for a bad patch are good ones, and no further off than need be', () => {
  const size = fc.integer({ min: 1, max: 300 });
  fc.assert(
    fc.property(arbitraryRunFile, fc.tuple(size, size, size), (drawn, sizes) => {
      const wanted = sizes.slice(0, drawn.model.spatial_dims);
      const withSize = (patch: number[]) => ({ ...drawn, data: { ...drawn.data, patch_size: patch } });
      const [fault] = crossChecks(withSize(wanted));
      const suggestions = [...(fault?.remedy ?? '').matchAll(/\[([\d, ]+)\]/g)].map((match) =>
        match[1]!.split(',').map(Number),
      );
      expect(suggestions.length > 0).toBe(fault !== undefined);
      for (const suggestion of suggestions) {
        expect(crossChecks(withSize(suggestion))).toEqual([]);
        for (const [i, n] of suggestion.entries())
          expect(Math.abs(n - wanted[i]!)).toBeLessThan(modelDivisor(drawn.model));
      }
    }),
  );
});

test('a run file that is right has no fault', () => {
  fc.assert(
    fc.property(arbitraryRunFile, (run) => {
      expect(crossChecks(run)).toEqual([]);
    }),
  );
});

test('what is chosen by the planner is chosen among its own schedules', () => {
  const own = fc.constantFrom({ micro_batches: 'auto' as const }, { recompute: 'auto' as const });
  fc.assert(
    fc.property(arbitraryRunFile, own, (run, chosen) => {
      const pipeline = { ...run.pipeline, ...chosen, stages_per_worker: undefined, balance: undefined };
      expect(crossChecks({ ...run, pipeline: { ...pipeline, schedule: 'auto' } })).toEqual([]);
      const faults = crossChecks({ ...run, pipeline: { ...pipeline, schedule: 'mine.schedule' } });
      expect(faults.map(({ key }) => key)).toContain(`pipeline.${Object.keys(chosen)[0]}`);
    }),
  );
});

test('a balance that a schedule yet to be chosen can have is for one stage a worker, or two', () => {
  fc.assert(
    fc.property(
      arbitraryRunFile,
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 20 }),
      (run, workers, n) => {
        const balance = Array.from({ length: n }, () => 1);
        const pipeline = { ...run.pipeline, workers, balance, schedule: 'auto' as const, stages_per_worker: undefined };
        const fits = n === workers || n === 2 * workers;
        expect(crossChecks({ ...run, pipeline }).length === 0).toBe(fits);
      },
    ),
  );
});
