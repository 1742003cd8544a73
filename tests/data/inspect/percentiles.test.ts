import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { percentilesOf } from '../../../src/data/inspect/percentiles.ts';

test('percentiles are those of the sorted values, of any sign and size', () => {
  const value = fc.float({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0);
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, share) => {
        const sorted = values.toSorted((a, b) => a - b);
        const [found] = percentilesOf(Float32Array.from(values), [share], () => true)!;
        expect(found).toBe(sorted[Math.round(share * (values.length - 1))]);
      },
    ),
  );
});

test('only what counts is counted', () => {
  expect(percentilesOf([0, 0, 3, NaN, 1], [0, 0.5, 1], (value) => value > 0)).toEqual([1, 3, 3]);
  expect(percentilesOf([0, 0], [0.5], (value) => value !== 0)).toBeUndefined();
});
