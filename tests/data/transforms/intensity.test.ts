import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { floatVolume } from '../../support/volumes.ts';
import { apply, imageOf, streamsOf } from './subjects.ts';

const coloured = {
  file: 'case.nii',
  image: floatVolume([4, 1, 1], (x, _y, _z, c) => (x === 0 ? 0 : x + 10 * c), { channels: 2 }),
};

describe('ScaleIntensityRange', () => {
  const window = { name: 'ScaleIntensityRange', a_min: -100, a_max: 300, b_min: -1, b_max: 1 };
  const subject = imageOf([4, 1, 1], (x) => [-200, -100, 100, 500][x]!);

  test('maps a window to a range, and beyond it unless told to clip', () => {
    expect([...apply(subject, window).image.values]).toEqual([-1.5, -1, 0, 2]);
    expect([...apply(subject, { ...window, clip: true }).image.values]).toEqual([-1, -1, 0, 1]);
  });
});

describe('NormalizeIntensity', () => {
  const normalized = (more: object): number[] =>
    [...apply(coloured, { name: 'NormalizeIntensity', ...more }).image.values].map((value) => Number(value.toFixed(4)));

  test.each([
    // All eight voxels: mean 5.25 of 0 1 2 3 0 11 12 13.
    [{}, [-0.9845, -0.797, -0.6095, -0.4219, -0.9845, 1.0783, 1.2658, 1.4533]],
    [{ nonzero: true }, [0, -1.1843, -0.9869, -0.7895, 0, 0.7895, 0.9869, 1.1843]],
    [{ nonzero: true, channel_wise: true }, [0, -1.2247, 0, 1.2247, 0, -1.2247, 0, 1.2247]],
    [{ subtrahend: 1, divisor: 2 }, [-0.5, 0, 0.5, 1, -0.5, 5, 5.5, 6]],
    [{ subtrahend: [1, 11], divisor: [2, 4], nonzero: true }, [0, 0, 0.5, 1, 0, 0, 0.25, 0.5]],
  ])('with %j', (more, expected) => {
    const got = normalized(more);
    expected.forEach((value, i) => expect(got[i]).toBeCloseTo(value, 3));
  });

  test('gives mean 0 and deviation 1 of whatever is not constant', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 4000 }), { minLength: 3, maxLength: 20 }), (values) => {
        const { image } = apply(
          imageOf([values.length, 1, 1], (x) => values[x]!),
          { name: 'NormalizeIntensity', channel_wise: true },
        );
        const mean = image.values.reduce((a, b) => a + b, 0) / values.length;
        const variance = image.values.reduce((a, b) => a + b * b, 0) / values.length;
        expect(mean).toBeCloseTo(0, 4);
        expect(variance).toBeCloseTo(1, 4);
      }),
    );
  });

  test('of a channel of zeros names file and channel', () => {
    const empty = { file: 'case.nii', image: floatVolume([3, 1, 1], (x, _y, _z, c) => c * x, { channels: 2 }) };
    expect(() => apply(empty, { name: 'NormalizeIntensity', nonzero: true, channel_wise: true })).toThrow(
      'case.nii: all 3 voxels of channel 0 are 0',
    );
  });
});

describe('random intensities', () => {
  const flat = imageOf([40, 40, 10], () => 2);
  const alike = (values: Float32Array): boolean => values.every((value) => value === values[0]);

  test('RandShiftIntensity adds one offset of its range', () => {
    for (let sample = 0; sample < 20; sample++) {
      const { values } = apply(flat, { name: 'RandShiftIntensity', offsets: [3, 5], prob: 1 }, streamsOf(sample)).image;
      expect(alike(values)).toBe(true);
      expect(values[0]).toBeGreaterThanOrEqual(5);
      expect(values[0]).toBeLessThan(7);
    }
  });

  test('RandScaleIntensity multiplies by one factor of its range, about 1', () => {
    const firsts = Array.from({ length: 50 }, (_, sample) => {
      const { values } = apply(flat, { name: 'RandScaleIntensity', factors: 0.5, prob: 1 }, streamsOf(sample)).image;
      expect(alike(values)).toBe(true);
      return values[0]!;
    });
    expect(Math.min(...firsts)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...firsts)).toBeLessThanOrEqual(3);
    expect(firsts.some((first) => first < 2) && firsts.some((first) => first > 2)).toBe(true);
  });

  test('RandGaussianNoise has its mean, and a deviation of up to std', () => {
    for (let sample = 0; sample < 10; sample++) {
      const { values } = apply(
        flat,
        { name: 'RandGaussianNoise', mean: 1, std: 0.5, prob: 1 },
        streamsOf(sample),
      ).image;
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
      expect(mean).toBeCloseTo(3, 1);
      expect(Math.sqrt(variance)).toBeLessThan(0.52);
      expect(variance).toBeGreaterThan(0);
    }
  });
});
