import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deformCase } from '../../src/data/deform.ts';
import { drawSample, type SampleSpec } from '../../src/data/sample.ts';
import { caseOf, floatVolume, labelVolume } from '../support/volumes.ts';

const SIZE = [20, 18, 16] as const;
const still = { rotate: 0, scale: 0, elastic: 0, noise: 0, intensity: 0 };
const lively = { rotate: 20, scale: 0.2, elastic: 2, noise: 0.1, intensity: 0.2 };
const place = (x: number, y: number, z: number): number => 1 + x + 100 * y + 10_000 * z;
const key = (index: number) => ({ seed: 7, epoch: 2, index });

/** Two small structures: class 1 of one voxel, class 2 of eight. Values tell the place of each voxel. */
const source = caseOf(
  floatVolume(SIZE, place),
  labelVolume(SIZE, (x, y, z) =>
    x === 3 && y === 4 && z === 5 ? 1 : x >= 14 && x < 16 && y >= 9 && y < 11 && z >= 9 && z < 11 ? 2 : 0,
  ),
  4,
);
const spec = (more: Partial<SampleSpec> = {}): SampleSpec => ({
  patch_size: [8, 6, 4],
  foreground: 1,
  augment: still,
  divisor: 8,
  spatialDims: 3,
  transforms: [],
  ...more,
});

describe('a sample without augmentation', () => {
  test('is a piece of the image as it lies in memory: (z, y, x, channels)', () => {
    const { shape, image, labels } = drawSample(source, spec(), key(0));
    expect(shape).toEqual([4, 6, 8, 1]);
    expect(image).toHaveLength(192);
    const first = image[0]! - 1;
    const [x, y, z] = [first % 100, Math.floor(first / 100) % 100, Math.floor(first / 10_000)];
    image.forEach((value, i) =>
      expect(value).toBe(place(x + (i % 8), y + (Math.floor(i / 8) % 6), z + Math.floor(i / 48))),
    );
    labels.forEach((label, i) => {
      const at = image[i]! - 1;
      const voxel = (at % 100) + 20 * ((Math.floor(at / 100) % 100) + 18 * Math.floor(at / 10_000));
      expect(label).toBe(source.labels.values[voxel]);
    });
  });

  test('stays inside the image and holds the voxel it was drawn around', () => {
    for (let index = 0; index < 50; index++) {
      const { image, labels } = drawSample(source, spec(), key(index));
      expect(image.every((value) => value > 0)).toBe(true);
      expect(labels.some((label) => label > 0)).toBe(true);
    }
  });

  test('is drawn around every class as often, however small', () => {
    const around = Array.from({ length: 300 }, (_, index) =>
      Math.max(...drawSample(source, spec(), key(index)).labels),
    );
    const ones = around.filter((label) => label === 1).length;
    expect(ones).toBeGreaterThan(110);
    expect(ones).toBeLessThan(190);
  });

  test('is drawn anywhere where foreground is 0, and everywhere in the end', () => {
    const anywhere = spec({ foreground: 0 });
    const starts = Array.from({ length: 400 }, (_, index) => drawSample(source, anywhere, key(index)).image[0]! - 1);
    const reached = (unit: number): number => new Set(starts.map((start) => Math.floor(start / unit) % 100)).size;
    expect([reached(1), reached(100), reached(10_000)]).toEqual([13, 13, 13]);
  });

  test('of a crop larger than the image has it in the middle of zeros', () => {
    const { image } = drawSample(source, spec({ patch_size: [24, 18, 16] }), key(0));
    expect([...image.subarray(0, 4)]).toEqual([0, 0, 1, 2]);
    expect(image[21]).toBe(20);
    expect(image[22]).toBe(0);
  });

  test('of a whole image is the image, padded to what the model can halve', () => {
    const { shape, image } = drawSample(source, spec({ patch_size: 'whole' }), key(0));
    expect(shape).toEqual([16, 24, 24, 1]);
    expect(image.filter((value) => value > 0)).toEqual(source.image.values);
  });

  test('has its channels behind one another', () => {
    const coloured = caseOf(
      floatVolume(SIZE, (x, y, z, c) => place(x, y, z) + 0.25 * c, { channels: 2 }),
      source.labels,
      4,
    );
    const { shape, image } = drawSample(coloured, spec(), key(0));
    expect(shape).toEqual([4, 6, 8, 2]);
    expect(image[1]! - image[0]!).toBe(0.25);
    expect(image[2]! - image[0]!).toBe(1);
  });
});

describe('augmentation', () => {
  test('is the same for the same key and another for any other', () => {
    const drawn = (more: object = {}) => drawSample(source, spec({ augment: lively }), { ...key(1), ...more });
    expect(drawn()).toEqual(drawn());
    for (const other of [{ seed: 8 }, { epoch: 3 }, { index: 2 }]) expect(drawn(other)).not.toEqual(drawn());
  });

  test('moves image and labels together', () => {
    // The image is its labels, wide enough apart that a blur does not blur the rule: bright where labelled, dark where not.
    const ball = (x: number, y: number, z: number): number => (Math.hypot(x - 20, y - 20, z - 20) < 9 ? 1 : 0);
    const blob = caseOf(floatVolume([40, 40, 40], ball), labelVolume([40, 40, 40], ball), 2);
    const augment = { ...lively, noise: 0, intensity: 0 };
    for (let index = 0; index < 10; index++) {
      const { image, labels } = drawSample(blob, spec({ patch_size: [32, 32, 32], augment }), key(index));
      expect(labels.some((label) => label === 1)).toBe(true);
      const apart = labels.filter((label, i) => (image[i]! > 0.5 ? 1 : 0) !== label).length;
      expect(apart / labels.filter((label) => label === 1).length).toBeLessThan(0.1);
    }
  });

  test('gives finite values for any strength, size and shape of voxel', () => {
    const limits = fc.record({
      rotate: fc.double({ min: 0, max: 180, noNaN: true }),
      scale: fc.double({ min: 0, max: 0.9, noNaN: true }),
      elastic: fc.double({ min: 0, max: 20, noNaN: true }),
      noise: fc.double({ min: 0, max: 2, noNaN: true }),
      intensity: fc.double({ min: 0, max: 0.9, noNaN: true }),
    });
    const side = fc.integer({ min: 1, max: 10 });
    fc.assert(
      fc.property(limits, fc.tuple(side, side, side), fc.nat(), (augment, patch, index) => {
        const { image, labels } = drawSample(source, spec({ augment, patch_size: [...patch] }), key(index));
        expect(image.every(Number.isFinite)).toBe(true);
        expect(labels.every((label) => label <= 2)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('noise and intensity have the strength that is asked for', () => {
    const flat = caseOf(
      floatVolume([40, 40, 40], () => 1),
      labelVolume([40, 40, 40], () => 1),
      2,
    );
    const noisy = drawSample(flat, spec({ patch_size: [40, 40, 40], augment: { ...still, noise: 0.5 } }), key(0)).image;
    const mean = noisy.reduce((sum, value) => sum + value, 0) / noisy.length;
    const deviation = Math.sqrt(noisy.reduce((sum, value) => sum + (value - mean) ** 2, 0) / noisy.length);
    expect(mean).toBeCloseTo(1, 1);
    expect(deviation).toBeCloseTo(0.5, 1);
    for (let index = 0; index < 20; index++) {
      const { image } = drawSample(flat, spec({ augment: { ...still, intensity: 0.2 } }), key(index));
      expect(Math.abs(image[0]! - 1)).toBeLessThanOrEqual(0.4001);
    }
  });
});

describe('deforming a whole case', () => {
  const limits = { rotate: 8, scale: 0.1, elastic: 2 };

  test('keeps the grid and changes what is on it, always alike', () => {
    const deformed = deformCase(source, limits, { seed: 1, number: 0 });
    expect(deformed.image).toMatchObject({ size: source.image.size, affine: source.image.affine });
    expect(deformed.image.values).not.toEqual(source.image.values);
    expect(deformed).toEqual(deformCase(source, limits, { seed: 1, number: 0 }));
    expect(deformed).not.toEqual(deformCase(source, limits, { seed: 1, number: 1 }));
    expect(deformed.voxels[2]).toHaveLength(deformed.labels.values.filter((label) => label === 2).length);
  });

  test('by nothing changes nothing', () => {
    expect(deformCase(source, { rotate: 0, scale: 0, elastic: 0 }, { seed: 1, number: 0 })).toEqual(source);
  });
});
