import { expect, test } from 'vitest';
import type { Initializer, ParameterSpec } from '../../src/layers/parameter.ts';
import { initialValues } from '../../src/models/initialize.ts';

const specOf = (initializer: Initializer, name = 'a.weight'): ParameterSpec => ({
  name,
  shape: [3, 3, 3, 16, 32],
  layout: 'convolution',
  initializer,
  role: 'parameter',
});

test('the values follow from the seed and the name only', () => {
  const he: Initializer = { kind: 'he', fanIn: 432 };
  const first = initialValues(specOf(he), 1);
  initialValues(specOf(he, 'other'), 1);
  expect(initialValues(specOf(he), 1)).toEqual(first);
  expect(initialValues(specOf(he), 2)).not.toEqual(first);
  expect(initialValues(specOf(he, 'b.weight'), 1)).not.toEqual(first);
});

test("He's rule gives a variance of 2 / fan-in", () => {
  const values = initialValues(specOf({ kind: 'he', fanIn: 432 }), 0);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(2e-3);
  expect(variance / (2 / 432)).toBeCloseTo(1, 1);
});

test('constants and uniform values are as asked for', () => {
  expect(new Set(initialValues(specOf({ kind: 'constant', value: 0.25 }), 0))).toEqual(new Set([0.25]));
  const uniform = initialValues(specOf({ kind: 'uniform', bound: 0.5 }), 0);
  expect(uniform.every((value) => Math.abs(value) <= 0.5)).toBe(true);
  expect(Math.max(...uniform)).toBeGreaterThan(0.49);
});
