import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeBlow, drawFaults, linkFaults, processFaults, type FaultKind, type FaultRules } from './faults.ts';

const kinds: readonly FaultKind[] = [...processFaults, ...linkFaults];
const rules: fc.Arbitrary<FaultRules> = fc.record({
  workers: fc.integer({ min: 1, max: 4 }),
  steps: fc.integer({ min: 2, max: 40 }),
  heartbeat: fc.integer({ min: 1, max: 5 }),
  kinds: fc.subarray([...kinds], { minLength: 1 }),
});
const seeds = fc.integer({ min: 0 });
const runs = fc.nat(200);

test('the same seed and run give the same faults, whatever was drawn before', () => {
  fc.assert(
    fc.property(seeds, runs, rules, (seed, run, each) => {
      const drawn = drawFaults(seed, run, each);
      drawFaults(seed, run + 1, each);
      expect(drawFaults(seed, run, each)).toEqual(drawn);
    }),
  );
});

test('faults are of the kinds that were asked for, and meet who is there while the run is under way', () => {
  fc.assert(
    fc.property(seeds, runs, rules, (seed, run, each) => {
      const drawn = drawFaults(seed, run, each);
      expect([1, 2]).toContain(drawn.length);
      for (const { step, milliseconds, fault } of drawn) {
        expect(each.kinds).toContain(fault.kind);
        expect(step).toBeLessThan(each.steps - 1);
        expect(Math.min(step, milliseconds)).toBeGreaterThanOrEqual(0);
        if ('victim' in fault && fault.victim !== 'loader')
          expect(Number(fault.victim.replace('worker ', ''))).toBeLessThan(each.workers);
      }
    }),
  );
});

test('faults come in the order of their moments, and none is bound to wait for a coordinator that is gone', () => {
  fc.assert(
    fc.property(seeds, runs, rules, (seed, run, each) => {
      const drawn = drawFaults(seed, run, each);
      const moments = drawn.map(({ step, milliseconds }) => 1000 * step + milliseconds);
      expect(moments).toEqual(moments.toSorted((a, b) => a - b));
      if (drawn.some(({ fault }) => fault.kind === 'resume')) expect(drawn).toHaveLength(1);
    }),
  );
});

test('every kind has its share of as many runs as there are kinds', () => {
  const each = { workers: 2, steps: 20, heartbeat: 3, kinds };
  fc.assert(
    fc.property(seeds, fc.nat(5), (seed, round) => {
      const met = kinds.flatMap((_, i) =>
        drawFaults(seed, round * kinds.length + i, each).map(({ fault }) => fault.kind),
      );
      expect(new Set(met)).toEqual(new Set(kinds));
    }),
  );
});

test('a fault is told in a few words', () => {
  expect(
    describeBlow({ step: 7, milliseconds: 23, fault: { kind: 'pause', victim: 'worker 1', milliseconds: 400 } }),
  ).toBe('pause worker 1 400 after step 7 + 23 ms');
});
