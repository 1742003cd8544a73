import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../src/config/editDistance.ts';

const word = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') });

test('the distance is 0 for the same word only, and the same both ways', () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(editDistance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
    }),
  );
});

test.each([
  ['epoch', 'epochs', 1],
  ['workres', 'workers', 1],
  ['', 'abc', 3],
  ['kitten', 'sitting', 3],
])('%j is %j but for %i', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
});

test('the nearest candidate is named only where few letters differ', () => {
  expect(nearest('bacth-size', ['epochs', 'batch_size'])).toBe('batch_size');
  expect(nearest('quartz', ['epochs', 'batch_size'])).toBeUndefined();
});
