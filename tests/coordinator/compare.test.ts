import { expect, it } from 'vitest';
import { compareElements, DIRECT } from '../../src/coordinator/parity/compare.ts';

const agrees = (got: number, expected: number): boolean =>
  compareElements(
    'value',
    [{ name: 'value', got: Float64Array.of(1, got), expected: Float64Array.of(1, expected) }],
    DIRECT,
  ).agrees;

it.each([
  [Number.NaN, Number.NaN, true],
  [Infinity, Infinity, true],
  [Infinity, -Infinity, false],
  [1, Number.NaN, false],
  [Number.NaN, 1, false],
  [1, Infinity, false],
  [Infinity, 1, false],
  [Infinity, Number.NaN, false],
])('%d against an expected %d agrees: %s', (got, expected, expectation) => {
  expect(agrees(got, expected)).toBe(expectation);
});
