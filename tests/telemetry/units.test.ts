import { expect, test } from 'vitest';
import { formatCount, formatDuration, formatMeasure } from '../../src/telemetry/units.ts';

test.each([
  [0.4, '0 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [65, '1 min 05 s'],
  [3599.6, '1 h 00 min'],
  [7800, '2 h 10 min'],
])('%f seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test.each([
  [0, '0.000'],
  [0.4567, '0.457'],
  [12.345, '12.35'],
  [1234.5, '1235'],
  [1.2e-5, '1.2e-5'],
  [Number.NaN, 'NaN'],
])('the measure %f is written %s', (value, text) => {
  expect(formatMeasure(value)).toBe(text);
});

test('counts agree with their noun', () => {
  expect(formatCount(1, 'step')).toBe('1 step');
  expect(formatCount(22906650, 'parameter')).toBe('22,906,650 parameters');
});
