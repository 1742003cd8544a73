import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closestAxes, largestOffset, spacingOf } from '../../../src/data/affine.ts';
import type { Affine } from '../../../src/data/volume.ts';
import { floatVolume, identityAffine, labelVolume } from '../../support/volumes.ts';
import { affines, apply, imageOf, misplacement, placedSubject, sizes } from './subjects.ts';

const axcodes = fc.constantFrom('RAS', 'LPI', 'SPL', 'ASR', 'IRP', 'LAS');

describe('Orientation', () => {
  test('keeps every voxel where it is in space, image and labels alike, and runs towards its codes', () => {
    fc.assert(
      fc.property(sizes, affines, axcodes, (size, affine, codes) => {
        const subject = placedSubject(size, affine);
        const { image, labels } = apply(subject, { name: 'Orientation', axcodes: codes });
        expect(misplacement(image)).toBeLessThan(1e-4);
        expect(labels?.affine).toEqual(image.affine);
        expect(labels?.values.toSorted()).toEqual(subject.labels?.values.toSorted());
        const towards = closestAxes(image.affine);
        codes.split('').forEach((letter, axis) => {
          const backward = 'LPI'.includes(letter);
          const row = (backward ? 'LPI' : 'RAS').indexOf(letter);
          expect(towards[row]).toEqual({ axis, flipped: backward });
        });
      }),
    );
  });

  test('twice is once, and back is nothing', () => {
    fc.assert(
      fc.property(sizes, axcodes, (size, codes) => {
        const subject = placedSubject(size, identityAffine([1, 2, 3]));
        const once = apply(subject, { name: 'Orientation', axcodes: codes });
        expect(apply(once, { name: 'Orientation', axcodes: codes })).toEqual(once);
        expect(apply(once, { name: 'Orientation', axcodes: 'RAS' })).toEqual(subject);
      }),
    );
  });
});

describe('Spacing', () => {
  const pixdims = fc.tuple(...[0, 1, 2].map(() => fc.double({ min: 0.4, max: 4, noNaN: true })));

  test('gives voxels of the size that is asked for, each where it is in space', () => {
    fc.assert(
      fc.property(sizes, affines, pixdims, (size, affine, pixdim) => {
        const { image, labels } = apply(placedSubject(size, affine), { name: 'Spacing', pixdim });
        spacingOf(image.affine).forEach((length, axis) => expect(length).toBeCloseTo(pixdim[axis]!, 9));
        expect(image.affine.map((row) => row[3])).toEqual(affine.map((row) => row[3]));
        expect(labels?.size).toEqual(image.size);
        // The last voxels may lie half a voxel beyond the image, where its border is repeated.
        const [nx, ny] = image.size;
        const before = (n: number, axis: number): boolean =>
          n * pixdim[axis]! <= (size[axis]! - 1) * spacingOf(affine)[axis]!;
        const inside = (at: number): boolean =>
          before(at % nx, 0) && before(Math.floor(at / nx) % ny, 1) && before(Math.floor(at / (nx * ny)), 2);
        expect(misplacement(image, inside)).toBeLessThan(1e-3);
      }),
    );
  });

  test('has round(extent + 1) voxels and takes labels from the nearest', () => {
    const subject = {
      ...imageOf([5, 1, 1], (x) => x),
      labels: labelVolume([5, 1, 1], (x) => 10 + x),
    };
    const { image, labels } = apply(subject, { name: 'Spacing', pixdim: [1.6, 1, 1] });
    expect([...image.values].map((value) => value.toFixed(2))).toEqual(['0.00', '1.60', '3.20', '4.00']);
    expect([...labels!.values]).toEqual([10, 12, 13, 14]);
    expect(apply(subject, { name: 'Spacing', pixdim: [1.6, 1, 1], padding_mode: 'zeros' }).image.values[3]).toBeCloseTo(
      0.8,
      5,
    );
  });

  test('rounds half a voxel to the even number, as numpy does', () => {
    const subject = imageOf([8, 6, 1], (x) => x);
    expect(apply(subject, { name: 'Spacing', pixdim: [2, 2, 1] }).image.size).toEqual([4, 4, 1]);
  });

  test('leaves an image as it is that has that spacing already', () => {
    const subject = placedSubject([3, 4, 5], identityAffine([1, 1.5, 2]));
    expect(apply(subject, { name: 'Spacing', pixdim: [1, 1.5, 2.0004] })).toBe(subject);
  });

  test('straightens a sheared grid, and one that lies obliquely where it is to be diagonal', () => {
    const sheared: Affine = [
      [2, 1, 0, 4],
      [0, 2, 0, 5],
      [0, 0, 2, 6],
      [0, 0, 0, 1],
    ];
    const subject = placedSubject([5, 5, 5], sheared);
    expect(apply(subject, { name: 'Spacing', pixdim: [1, 1, 1] }).image.affine).toEqual([
      [1, 0, 0, 4],
      [0, 1, 0, 5],
      [0, 0, 1, 6],
      [0, 0, 0, 1],
    ]);
    const flipped: Affine = [
      [-2, 0, 0, 8],
      [0, 2, 0, 5],
      [0, 0, 2, 6],
      [0, 0, 0, 1],
    ];
    const { image } = apply(placedSubject([5, 5, 5], flipped), { name: 'Spacing', pixdim: [1, 1, 1], diagonal: true });
    expect([image.size, image.affine]).toEqual([
      [9, 9, 9],
      [
        [1, 0, 0, 0],
        [0, 1, 0, 5],
        [0, 0, 1, 6],
        [0, 0, 0, 1],
      ],
    ]);
    expect(misplacement(image)).toBeLessThan(1e-5);
  });
});

describe('pads', () => {
  const modes = fc.constantFrom('constant', 'edge', 'replicate', 'reflect', 'symmetric', 'wrap', 'circular');

  test('keep every voxel of the image where it is in space, and cropping takes them away again', () => {
    fc.assert(
      fc.property(
        sizes,
        affines,
        sizes,
        modes,
        fc.constantFrom('symmetric', 'end'),
        (size, affine, more, mode, method) => {
          const subject = placedSubject(size, affine);
          const marked = {
            ...subject,
            image: { ...subject.image, values: subject.image.values.map((value) => value + 1000) },
          };
          const spatial_size = size.map((n, axis) => n + more[axis]! - 2);
          const padded = apply(marked, { name: 'SpatialPad', spatial_size, method, mode });
          expect(padded.image.size).toEqual(spatial_size);
          expect(padded.labels?.size).toEqual(spatial_size);
          if (mode !== 'constant') return;
          const { image, labels } = apply(padded, { name: 'CropForeground' });
          expect([image.values, labels?.values]).toEqual([marked.image.values, marked.labels?.values]);
          expect(largestOffset(image.affine, affine, size)).toBeLessThan(1e-9);
        },
      ),
    );
  });

  test.each([
    ['constant', [0, 0, 0, 1, 2, 3, 0, 0, 0, 0]],
    ['edge', [1, 1, 1, 1, 2, 3, 3, 3, 3, 3]],
    ['replicate', [1, 1, 1, 1, 2, 3, 3, 3, 3, 3]],
    ['reflect', [2, 3, 2, 1, 2, 3, 2, 1, 2, 3]],
    ['symmetric', [3, 2, 1, 1, 2, 3, 3, 2, 1, 1]],
    ['wrap', [1, 2, 3, 1, 2, 3, 1, 2, 3, 1]],
    ['circular', [1, 2, 3, 1, 2, 3, 1, 2, 3, 1]],
  ])("of mode %s are numpy.pad's", (mode, expected) => {
    const subject = imageOf([3, 1, 1], (x) => x + 1);
    const { image } = apply(subject, { name: 'SpatialPad', spatial_size: [10, -1, 0], mode });
    expect([...image.values]).toEqual(expected);
    expect(image.affine[0]).toEqual([1, 0, 0, -3]);
  });

  test('at the end leave the first voxel first, and longer axes as they are', () => {
    const subject = imageOf([3, 2, 1], (x) => x + 1);
    const { image } = apply(subject, { name: 'SpatialPad', spatial_size: [5, 1, 1], method: 'end' });
    expect([...image.values]).toEqual([1, 2, 3, 0, 0, 1, 2, 3, 0, 0]);
    expect(image.affine).toEqual(subject.image.affine);
  });

  test.each([
    [8, [8, 8, 16]],
    [
      [4, 0, -1],
      [8, 7, 9],
    ],
  ])('DivisiblePad by %j', (k, size) => {
    expect(
      apply(
        imageOf([5, 7, 9], () => 1),
        { name: 'DivisiblePad', k },
      ).image.size,
    ).toEqual(size);
  });
});

describe('CropForeground', () => {
  const channels = (x: number, y: number, z: number, c: number): number =>
    (c === 0 ? [3, 4, 2] : [6, 1, 3]).every((place, axis) => place === [x, y, z][axis]) ? 1 : 0;
  const subject = { file: 'case.nii', image: floatVolume([8, 7, 6], channels, { channels: 2 }) };

  test.each([
    [{}, [4, 4, 2], [3, 1, 2]],
    [{ channel_indexes: [1] }, [1, 1, 1], [6, 1, 3]],
    [{ margin: 2 }, [7, 7, 6], [1, 0, 0]],
    [{ threshold: -1 }, [8, 7, 6], [0, 0, 0]],
  ])('with %j takes the box of what is above the threshold', (more, size, start) => {
    const { image } = apply(subject, { name: 'CropForeground', ...more });
    expect(image.size).toEqual(size);
    expect(image.affine.slice(0, 3).map((row) => row[3])).toEqual(start);
    expect(image.values[0]).toBe(channels(start[0]!, start[1]!, start[2]!, 0));
  });

  test('keeps every voxel where it is in space', () => {
    fc.assert(
      fc.property(sizes, affines, (size, affine) => {
        const placed = placedSubject(size, affine);
        const { values } = placed.image;
        const threshold = values.toSorted()[values.length >> 1]! - 1e-3;
        expect(misplacement(apply(placed, { name: 'CropForeground', threshold }).image)).toBeLessThan(1e-4);
      }),
    );
  });

  test('names the file in which there is nothing above the threshold', () => {
    expect(() => apply(subject, { name: 'CropForeground', threshold: 1 })).toThrow(
      'case.nii: no voxel is above 1, so that CropForeground finds no foreground',
    );
  });
});
