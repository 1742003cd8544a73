import { describe, expect, test } from 'vitest';
import { transformsSchema } from '../../../src/config/schema/transforms.ts';
import { drawSample, type SampleSpec } from '../../../src/data/sample.ts';
import { caseOf, floatVolume, labelVolume } from '../../support/volumes.ts';

const size = [20, 18, 16] as const;
const ball = (x: number, y: number, z: number): number => (Math.hypot(x - 10, y - 9, z - 8) < 4 ? 1 : 0);
const source = caseOf(
  floatVolume(size, (x, y, z) => 5 * ball(x, y, z) + 0.01 * x),
  labelVolume(size, ball),
  2,
);

const spec = (transforms: readonly object[], spatialDims: 2 | 3 = 3): SampleSpec => ({
  patch_size: 'whole',
  foreground: 0.5,
  augment: { rotate: 0, scale: 0, elastic: 0, noise: 0, intensity: 0 },
  divisor: 8,
  spatialDims,
  transforms: transformsSchema.parse(transforms),
});

const transforms = [
  { name: 'RandCropByPosNegLabel', spatial_size: [8, 16, -1] },
  { name: 'Compose', transforms: [{ name: 'RandFlip', prob: 0.5 }] },
  { name: 'Rand3DElastic', prob: 1, sigma_range: [1, 2], magnitude_range: [2, 4], rotate_range: [0.2, 0.2, 0.2] },
  { name: 'RandGaussianNoise', prob: 1 },
];

describe('a sample through random transforms', () => {
  test('is cropped, bent and noisy, the same whenever it is drawn', () => {
    const draw = (index: number) => drawSample(source, spec(transforms), { seed: 1, epoch: 2, index });
    const samples = [0, 1, 2, 3].map(draw);
    for (const { shape, image, labels } of samples) {
      expect(shape).toEqual([16, 16, 8, 1]);
      expect([image.length, labels.length]).toEqual([16 * 16 * 8, 16 * 16 * 8]);
      expect(image.every(Number.isFinite)).toBe(true);
    }
    expect(draw(2)).toEqual(samples[2]);
    expect(new Set(samples.map(({ image }) => image.join())).size).toBe(4);
  });

  test('of a network of two axes is a slice, turned in its plane', () => {
    const flat = spec(
      [
        { name: 'RandCropByPosNegLabel', spatial_size: [16, 16, 1] },
        { name: 'RandAffine', prob: 1, rotate_range: [0.5, 0.5, 0.5], padding_mode: 'border' },
      ],
      2,
    );
    const { shape, labels } = drawSample(source, flat, { seed: 1, epoch: 0, index: 3 });
    expect(shape).toEqual([16, 16, 1]);
    expect(labels).toHaveLength(256);
  });
});
