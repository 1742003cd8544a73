import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RandomStream } from '../../src/random/stream.ts';

const draws = (stream: RandomStream, count: number): number[] => Array.from({ length: count }, () => stream.next());

test('the same key gives the same draws', () => {
  expect(draws(new RandomStream(7, 'augment', 3), 20)).toEqual(draws(new RandomStream(7, 'augment', 3), 20));
});

test('keys that look alike give different draws', () => {
  const keys: (string | number)[][] = [['a', 'b'], ['ab'], ['a', 'b', ''], [1], ['1'], [1, 2], [12], [], [0], [-1]];
  const firsts = keys.map((key) => new RandomStream(...key).next());
  expect(new Set(firsts).size).toBe(keys.length);
});

test('a key that is not finite is refused', () => {
  expect(() => new RandomStream(Number.NaN)).toThrow(/must be finite/);
});

test('uniform draws have the mean and variance of the uniform distribution', () => {
  const values = draws(new RandomStream('moments'), 100_000);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  expect(mean).toBeCloseTo(0.5, 2);
  expect(variance).toBeCloseTo(1 / 12, 2);
  expect(Math.min(...values.slice(0, 10_000))).toBeGreaterThanOrEqual(0);
  expect(Math.max(...values.slice(0, 10_000))).toBeLessThan(1);
});

test('normal draws have the moments and the tails of the normal distribution', () => {
  const values = new RandomStream('normal').fillNormal(new Float32Array(200_000), 2);
  const moment = (power: number): number =>
    values.reduce((sum, value) => sum + (value / 2) ** power, 0) / values.length;
  expect(moment(1)).toBeCloseTo(0, 1);
  expect(moment(2)).toBeCloseTo(1, 1);
  expect(Math.abs(moment(3))).toBeLessThan(0.05);
  expect(moment(4)).toBeGreaterThan(2.9);
  expect(moment(4)).toBeLessThan(3.1);
  const outside = values.filter((value) => Math.abs(value) > 2 * 1.96).length / values.length;
  expect(outside).toBeCloseTo(0.05, 2);
});

test('integers stay below the bound and reach every value', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer(), (below, seed) => {
      const stream = new RandomStream(seed, 'integers');
      const seen = new Set(Array.from({ length: 60 * below }, () => stream.integer(below)));
      return seen.size === below && [...seen].every((value) => value >= 0 && value < below);
    }),
    { seed: 1, numRuns: 50 },
  );
});

test('a bound that is no positive whole number is refused', () => {
  for (const below of [0, -1, 1.5, Number.NaN]) expect(() => new RandomStream(1).integer(below)).toThrow(RangeError);
});

test('a shuffle keeps the elements and reaches every order', () => {
  const orders = new Set(
    Array.from({ length: 200 }, (_, seed) => new RandomStream(seed).shuffle(['a', 'b', 'c']).join('')),
  );
  expect(orders).toEqual(new Set(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']));
});

test('uniform filling stays within its bounds', () => {
  const values = new RandomStream('fill').fillUniform(new Float32Array(1000), -3, -1);
  expect(values.every((value) => value >= -3 && value <= -1)).toBe(true);
});
