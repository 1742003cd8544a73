import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compose, invert, shiftOrigin } from '../../src/data/affine.ts';
import { resampleTo } from '../../src/data/resample.ts';
import type { Affine } from '../../src/data/volume.ts';
import { floatVolume, identityAffine, labelVolume } from '../support/volumes.ts';

/** Voxels of 1 × 2 × 3 mm, turned about z and shifted. */
const oblique: Affine = [
  [0.8, -1.2, 0, 5],
  [0.6, 1.6, 0, -7],
  [0, 0, 3, 11],
  [0, 0, 0, 1],
];
const place = (x: number, y: number, z: number): number => 1 + x + 10 * y + 100 * z;

describe('affines', () => {
  test('an affine and its inverse are the identity', () => {
    compose(oblique, invert(oblique)).forEach((row, i) =>
      row.forEach((value, j) => expect(value).toBeCloseTo(i === j ? 1 : 0, 12)),
    );
  });
});

describe('a volume on another grid', () => {
  test('is itself on its own grid', () => {
    const volume = floatVolume([5, 4, 3], place, { affine: oblique, channels: 2 });
    expect(resampleTo(volume, volume, 'linear', 0)).toEqual(volume);
  });

  test('comes back exactly from a grid that is turned, flipped and larger, whatever the way', () => {
    // New axes (x, y, z) run along −z, x and −y of the old, from a voxel outside it.
    const turn: Affine = [
      [0, 1, 0, -2],
      [0, 0, -1, 5],
      [-1, 0, 0, 3],
      [0, 0, 0, 1],
    ];
    const labels = labelVolume([5, 4, 3], place, oblique);
    const there = resampleTo(labels, { size: [6, 9, 8], affine: compose(oblique, turn) }, 'nearest', 7);
    expect(there.values.filter((value) => value === 7).length).toBe(6 * 9 * 8 - 60);
    expect(resampleTo(there, labels, 'nearest', 0)).toEqual(labels);
  });

  test('has the outside value where it lies outside', () => {
    const volume = floatVolume([3, 1, 1], place);
    const grid = { size: [5, 1, 1], affine: shiftOrigin(volume.affine, [-1, 0, 0]) } as const;
    expect([...resampleTo(volume, grid, 'linear', -9).values]).toEqual([-9, 1, 2, 3, -9]);
    expect([...resampleTo(volume, grid, 'linear', 'border').values]).toEqual([1, 1, 2, 3, 3]);
    expect([...resampleTo(volume, grid, 'linear', 'reflection').values]).toEqual([2, 1, 2, 3, 2]);
    const between = { size: [3, 1, 1], affine: identityAffine([1.5, 1, 1]) } as const;
    expect([...resampleTo(volume, between, 'linear', 0).values]).toEqual([1, 2.5, 0]);
    expect([...resampleTo(volume, between, 'nearest', 0).values]).toEqual([1, 3, 0]);
  });

  test('is exact for whatever changes linearly in space', () => {
    const spacing = fc.double({ min: 0.3, max: 3, noNaN: true });
    const shift = fc.double({ min: -2, max: 2, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(spacing, spacing, spacing), fc.tuple(shift, shift, shift), (step, from) => {
        const volume = floatVolume([9, 8, 7], place, { affine: oblique });
        const grid = {
          size: [4, 5, 6] as const,
          affine: compose(shiftOrigin(oblique, from), identityAffine(step)),
        };
        const got = resampleTo(volume, grid, 'linear', 0);
        const expected = floatVolume(grid.size, (x, y, z) => {
          const source = [from[0] + step[0] * x, from[1] + step[1] * y, from[2] + step[2] * z] as const;
          const inside = source.every((p, axis) => p >= 0 && p <= [8, 7, 6][axis]!);
          return inside ? place(...source) : Number.NaN;
        });
        expected.values.forEach((value, i) => {
          if (!Number.isNaN(value)) expect(got.values[i]).toBeCloseTo(value, 2);
        });
      }),
    );
  });
});
