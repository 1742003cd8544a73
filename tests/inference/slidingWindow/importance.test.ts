import fc from 'fast-check';
import { expect, it } from 'vitest';
import { importanceOf } from '../../../src/inference/slidingWindow/importance.ts';

const length = fc.integer({ min: 1, max: 12 });

it('weighs every voxel, most in the middle, the same seen from either end', () => {
  fc.assert(
    fc.property(fc.tuple(length, length, length), fc.double({ min: 0.02, max: 1, noNaN: true }), (roi, sigma_scale) => {
      const weights = importanceOf(roi, { blend: 'gaussian', sigma_scale })!;
      expect(weights.length).toBe(roi[0] * roi[1] * roi[2]);
      expect(weights.every((weight) => weight >= Math.fround(1e-3) && weight <= 1)).toBe(true);
      expect(weights.toReversed()).toEqual(weights);
    }),
  );
});

it('is the product of a Gaussian along each axis', () => {
  const weights = importanceOf([3, 5, 1], { blend: 'gaussian', sigma_scale: 0.5 })!;
  const along = (d: number, n: number): number => Math.exp(-(d ** 2) / (2 * (0.5 * n) ** 2));
  expect(weights[0]).toBeCloseTo(along(1, 3) * along(2, 5), 6);
  expect(weights[7]).toBe(1);
});

it('is nothing where all voxels count the same', () => {
  expect(importanceOf([4, 4, 4], { blend: 'constant', sigma_scale: 0.125 })).toBeUndefined();
});
