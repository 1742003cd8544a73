import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Refusals } from '../../src/coordinator/refusals.ts';

test('what is told adds up to what was counted, and nothing is told twice', () => {
  const growth = fc.array(
    fc.record({ process: fc.constantFrom('worker 0', 'worker 1'), key: fc.nat(3), run: fc.nat(3) }),
  );
  fc.assert(
    fc.property(growth, (course) => {
      const refusals = new Refusals();
      const counted: Record<string, { key: number; run: number }> = {};
      const told: Record<string, { key: number; run: number }> = {};
      for (const { process, key, run } of course) {
        const now = (counted[process] ??= { key: 0, run: 0 });
        now.key += key;
        now.run += run;
        const news = refusals.news(process, { ...now });
        expect(news === undefined).toBe(key + run === 0);
        const sum = (told[process] ??= { key: 0, run: 0 });
        sum.key += news?.key ?? 0;
        sum.run += news?.run ?? 0;
      }
      expect(told).toEqual(counted);
    }),
  );
});

test('a process in the place of another counts from nothing', () => {
  const refusals = new Refusals();
  expect(refusals.news('worker 1', { key: 5 })).toEqual({ key: 5 });
  expect(refusals.news('worker 1', { key: 2 })).toEqual({ key: 2 });
  expect(refusals.news('worker 1', { key: 2 })).toBeUndefined();
});
