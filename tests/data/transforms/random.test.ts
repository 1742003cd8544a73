import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isRandom } from '../../../src/config/transformList.ts';
import { stepSchema } from '../../../src/config/schema/transforms.ts';
import { gridAffine } from '../../../src/data/transforms/gridAffine.ts';
import { smoothGaussian } from '../../../src/data/transforms/gaussian.ts';
import { applyDeterministic, applyRandom, transformFor } from '../../../src/data/transforms/index.ts';
import type { Subject } from '../../../src/data/transforms/transform.ts';
import { RandomStream } from '../../../src/random/stream.ts';
import { floatVolume, identityAffine, labelVolume } from '../../support/volumes.ts';
import { affines, apply, imageOf, inSpace, placedSubject, sizes, streamsOf } from './subjects.ts';

const random = [
  { name: 'RandCropByPosNegLabel', spatial_size: [6, 5, 4] },
  { name: 'RandFlip', prob: 0.5 },
  { name: 'RandAffine', prob: 0.8, rotate_range: [0.3, 0.3, 0.3], translate_range: 2, scale_range: [0.1, 0.1, 0.1] },
  { name: 'Rand3DElastic', prob: 0.8, sigma_range: [1, 2], magnitude_range: [5, 10], shear_range: [0.1, 0.1] },
  { name: 'RandGaussianNoise', prob: 0.8 },
  { name: 'RandScaleIntensity', prob: 0.8, factors: 0.2 },
  { name: 'RandShiftIntensity', prob: 0.8, offsets: [-1, 2] },
] as const;

describe.each(random)('$name', (step) => {
  const subject = placedSubject([9, 8, 7], identityAffine());

  test('is the same for the same sample and another for another', () => {
    const drawn = Array.from({ length: 12 }, (_, sample) => apply(subject, step, streamsOf(sample)));
    expect(apply(subject, step, streamsOf(3))).toEqual(drawn[3]);
    expect(new Set(drawn.map(({ image }) => image.values.join())).size).toBeGreaterThan(1);
  });

  test('leaves what it is given as it is', () => {
    const before = structuredClone(subject);
    apply(subject, step, streamsOf(1));
    expect(subject).toEqual(before);
  });
});

describe('a list of transforms', () => {
  const parse = (steps: readonly object[]) => steps.map((step) => stepSchema.parse(step));

  test('is parted into what is done once and what is drawn', () => {
    const all = parse([
      { name: 'Orientation', axcodes: 'RAS' },
      { name: 'Spacing', pixdim: [1, 1, 1] },
      { name: 'ScaleIntensityRange', a_min: 0, a_max: 1, b_min: 0, b_max: 1 },
      { name: 'NormalizeIntensity' },
      { name: 'CropForeground' },
      { name: 'SpatialPad', spatial_size: [1, 1, 1] },
      { name: 'DivisiblePad', k: 1 },
      ...random,
    ]);
    for (const step of all) expect(transformFor(step).kind).toBe(isRandom(step) ? 'random' : 'deterministic');
    expect(new Set(all.map(({ name }) => name)).size).toBe(stepSchema.options.length);
  });

  test('does each part in its order, and what stands in a Compose as if it stood in the list', () => {
    const subject = imageOf([3, 1, 1], (x) => x);
    const window = stepSchema.parse({ name: 'ScaleIntensityRange', a_min: 0, a_max: 1, b_min: 0, b_max: 10 });
    const shift = stepSchema.parse({ name: 'RandShiftIntensity', offsets: [1, 1], prob: 1 });
    const pad = stepSchema.parse({ name: 'SpatialPad', spatial_size: [5, 1, 1] });
    const list = [window, { name: 'Compose' as const, transforms: [pad, shift] }];
    const once = applyDeterministic(subject, list);
    expect([...once.image.values]).toEqual([0, 0, 10, 20, 0]);
    expect([...applyRandom(once, list, streamsOf(0)).image.values]).toEqual([1, 1, 11, 21, 1]);
  });

  test('draws for each place by itself: what another draws changes nothing', () => {
    const [shift, noise, other] = parse([
      { name: 'RandShiftIntensity', offsets: 5, prob: 1 },
      { name: 'RandGaussianNoise', std: 1, prob: 1 },
      { name: 'RandScaleIntensity', factors: 0, prob: 1 },
    ]);
    const subject = imageOf([4, 4, 4], () => 0);
    const offsets = [noise!, other!].map((first) => {
      const named: string[] = [];
      const values: number[] = [];
      applyRandom(subject, [first, shift!], (purpose) => {
        const stream = streamsOf(2)(purpose);
        if (purpose.includes('Shift')) {
          named.push(purpose);
          values.push(streamsOf(2)(purpose).next());
        }
        return stream;
      });
      return { named, values };
    });
    expect(offsets[0]).toEqual(offsets[1]);
    expect(offsets[0]?.named).toEqual(['1 RandShiftIntensity prob', '1 RandShiftIntensity offset']);
  });
});

describe('RandFlip', () => {
  test('twice is nothing, and mirrors the axes that it names', () => {
    fc.assert(
      fc.property(sizes, affines, fc.subarray([0, 1, 2], { minLength: 1 }), (size, affine, axes) => {
        const subject = placedSubject(size, affine);
        const step = { name: 'RandFlip', prob: 1, spatial_axis: axes };
        const once = apply(subject, step);
        expect(apply(once, step)).toEqual(subject);
        const far = size.map((n, axis) => (axes.includes(axis) ? n - 1 : 0)) as [number, number, number];
        expect(once.image.values[0]).toBeCloseTo(inSpace(affine, ...far)[0], 3);
        expect(once.labels?.values[0]).toBe(1 + ((far[0] + 3 * far[1] + 7 * far[2]) % 250));
      }),
    );
  });

  test('happens as often as it is asked to', () => {
    const subject = imageOf([2, 1, 1], (x) => x);
    const flips = Array.from({ length: 400 }, (_, sample) =>
      apply(subject, { name: 'RandFlip', prob: 0.25 }, streamsOf(sample)),
    );
    const count = flips.filter(({ image }) => image.values[0] === 1).length;
    expect(count).toBeGreaterThan(60);
    expect(count).toBeLessThan(140);
  });
});

describe('RandCropByPosNegLabel', () => {
  const size = [12, 10, 8] as const;
  const affine = identityAffine([1, 2, 3]);
  /** One labelled voxel; the image is above 0 in its left half alone. */
  const subject: Subject = {
    file: 'case.nii',
    image: floatVolume(size, (x, y, z) => (x < 6 ? 1 + x + 12 * (y + 10 * z) : 0), { affine }),
    labels: labelVolume(size, (x, y, z) => (x === 11 && y === 0 && z === 7 ? 3 : 0), affine),
  };
  const crop = { name: 'RandCropByPosNegLabel', spatial_size: [4, 3, -1] };

  test('holds a labelled voxel where it is drawn around one, and lies within the image', () => {
    for (let sample = 0; sample < 20; sample++) {
      const { image, labels } = apply(subject, { ...crop, neg: 0 }, streamsOf(sample));
      expect(image.size).toEqual([4, 3, 8]);
      expect(labels?.values).toContain(3);
      expect(inSpace(image.affine, 0, 0, 0)).toEqual([8, 0, 0]);
    }
  });

  test('is drawn around either kind by pos and neg', () => {
    const crops = Array.from({ length: 300 }, (_, sample) =>
      apply(subject, { ...crop, pos: 1, neg: 3 }, streamsOf(sample)),
    );
    const around = crops.filter(({ labels }) => labels?.values.includes(3)).length;
    expect(around).toBeGreaterThan(55);
    expect(around).toBeLessThan(115);
  });

  test('is drawn where the image is above the threshold, everywhere there', () => {
    const starts = Array.from({ length: 300 }, (_, sample) => {
      const { image } = apply(subject, { ...crop, pos: 0, image_threshold: 0 }, streamsOf(sample));
      return image.affine[0]![3];
    });
    // Centres from x = 0 to 5: the first voxel two before, and none before 0.
    expect([...new Set(starts)].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  });

  test('is drawn around what there is where one kind is missing', () => {
    const unlabelled = { ...subject, labels: labelVolume(size, () => 0) };
    expect(apply(unlabelled, { ...crop, neg: 0 }).image.size).toEqual([4, 3, 8]);
    expect(() => apply(unlabelled, { ...crop, image_threshold: 1e9 })).toThrow(
      'no voxel is labelled, and none is above',
    );
  });

  test('larger than the image is refused with the remedy', () => {
    expect(() => apply(subject, { ...crop, spatial_size: [13, 4, 4] })).toThrow(
      'case.nii: a crop of 13 × 4 × 4 (RandCropByPosNegLabel) is larger than the image of 12 × 10 × 8. Put SpatialPad',
    );
  });
});

describe('RandAffine', () => {
  test('turns x towards y by the third angle, so that a quarter turn is exact', () => {
    const [x, y] = gridAffine({ rotate: [0, 0, Math.PI / 2] }, false);
    expect(x!.map((value) => Math.round(value) + 0)).toEqual([0, -1, 0, 0]);
    expect(y!.map((value) => Math.round(value) + 0)).toEqual([1, 0, 0, 0]);
  });

  test('is R · H · T · S in three dimensions', () => {
    const got = gridAffine({ rotate: [0.1], shear: [0, 0.2], translate: [1, 2, 3], scale: [2, 1, 0.5] }, false);
    const [cos, sin] = [Math.cos(0.1), Math.sin(0.1)];
    // H · T · S = [2, 0, 0.1, 1.6], [0, 1, 0, 2], [0, 0, 0.5, 3]; then about x.
    const expected = [
      [2, 0, 0.1, 1.6],
      [0, cos, -sin * 0.5, 2 * cos - 3 * sin],
      [0, sin, cos * 0.5, 2 * sin + 3 * cos],
      [0, 0, 0, 1],
    ];
    got.forEach((row, i) => row.forEach((value, j) => expect(value).toBeCloseTo(expected[i]![j]!, 12)));
  });

  test('turns a slice in its plane, by the first angle', () => {
    const got = gridAffine({ rotate: [0.1, 9, 9], shear: [0.2, 0.3], translate: [1, 2, 9], scale: [1, 1, 9] }, true);
    expect(got[2]).toEqual([0, 0, 1, 0]);
    expect(got.slice(0, 2).map((row) => row[2])).toEqual([0, 0]);
    expect(got[0]![0]).toBeCloseTo(Math.cos(0.1) - 0.3 * Math.sin(0.1), 12);
  });

  test('by nothing is nothing, whatever the padding', () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom('zeros', 'border', 'reflection'), (size, padding_mode) => {
        const subject = placedSubject(size, identityAffine());
        const { image, labels } = apply(subject, { name: 'RandAffine', prob: 1, padding_mode });
        expect({ image, labels }).toEqual({ image: subject.image, labels: subject.labels });
      }),
    );
  });

  test('gives the size that is asked for, about the same middle, drawn or not', () => {
    const subject = placedSubject([9, 8, 7], identityAffine());
    for (const prob of [0, 1]) {
      const { image } = apply(subject, { name: 'RandAffine', prob, spatial_size: [5, -1, 9], padding_mode: 'zeros' });
      expect(image.size).toEqual([5, 8, 9]);
      expect(image.values[2 + 5 * (4 + 8 * 4)]).toBe(4);
      expect(image.affine.map((row) => row[3])).toEqual([2, 0, -1, 1]);
    }
  });
});

describe('random deformations', () => {
  const ball = (x: number, y: number, z: number): number => (Math.hypot(x - 15.5, y - 15.5, z - 15.5) < 8 ? 1 : 0);
  const subject = {
    file: 'case.nii',
    image: floatVolume([32, 32, 32], ball),
    labels: labelVolume([32, 32, 32], ball),
  };

  test.each([
    {
      name: 'RandAffine',
      prob: 1,
      rotate_range: [0.5, 0.5, 0.5],
      scale_range: [0.2, 0.2, 0.2],
      translate_range: [3, 3, 3],
    },
    { name: 'Rand3DElastic', prob: 1, sigma_range: [3, 4], magnitude_range: [50, 100], translate_range: [3, 3, 3] },
  ])('$name moves image and labels together', (step) => {
    for (let sample = 0; sample < 5; sample++) {
      const { image, labels } = apply(subject, step, streamsOf(sample));
      const labelled = labels!.values.filter((label) => label === 1).length;
      const apart = labels!.values.filter((label, i) => (image.values[i]! > 0.5 ? 1 : 0) !== label).length;
      expect(labelled).toBeGreaterThan(500);
      expect(apart / labelled).toBeLessThan(0.1);
      expect(image.values).not.toEqual(subject.image.values);
    }
  });
});

describe('smoothing', () => {
  test('is the sum over a sampled Gaussian of three deviations, zeros outside', () => {
    fc.assert(
      fc.property(sizes, fc.double({ min: 0.3, max: 4, noNaN: true }), (size, sigma) => {
        const noise = new RandomStream(1).fillUniform(new Float32Array(size[0] * size[1] * size[2]), -1, 1);
        const smooth = noise.slice();
        smoothGaussian(smooth, size, sigma);
        const tail = Math.floor(3 * sigma + 0.5);
        const kernel = Array.from({ length: 2 * tail + 1 }, (_, i) => Math.exp(-((i - tail) ** 2) / (2 * sigma ** 2)));
        const total = kernel.reduce((a, b) => a + b, 0);
        const weight = (d: number): number => (Math.abs(d) > tail ? 0 : kernel[d + tail]! / total);
        const [x, y, z] = size.map((n) => n >> 1) as [number, number, number];
        let expected = 0;
        noise.forEach((value, at) => {
          const place = [
            at % size[0],
            Math.floor(at / size[0]) % size[1],
            Math.floor(at / (size[0] * size[1])),
          ] as const;
          expected += value * weight(place[0] - x) * weight(place[1] - y) * weight(place[2] - z);
        });
        expect(smooth[x + size[0] * (y + size[1] * z)]).toBeCloseTo(expected, 5);
      }),
      { numRuns: 30 },
    );
  });
});
