import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterValidation, freshPatience, type Patience } from '../../src/coordinator/earlyStop.ts';

const dice = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(Number.NaN));
const delta = fc.constantFrom(0, 0.01, 0.2);
const after = (found: readonly number[], minDelta: number): Patience =>
  found.reduce((patience, meanDice) => afterValidation(patience, meanDice, minDelta), freshPatience);

test('what was waited for is how many validations have passed since one was better by enough', () => {
  fc.assert(
    fc.property(fc.array(dice, { maxLength: 20 }), delta, (found, minDelta) => {
      // The same said otherwise: walk from best to best.
      let [best, last] = [-Infinity, -1];
      for (const [i, value] of found.entries()) if (value > best + minDelta) [best, last] = [value, i];
      expect(after(found, minDelta)).toEqual({ best, waited: found.length - 1 - last });
    }),
  );
});

test('a run that becomes better at every validation is never stopped', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), (length) => {
      const found = Array.from({ length }, (_, i) => i / 50);
      expect(after(found, 0).waited).toBe(0);
    }),
  );
});

test('nothing to measure is no improvement', () => {
  expect(after([0.5, Number.NaN, Number.NaN], 0)).toEqual({ best: 0.5, waited: 2 });
});
