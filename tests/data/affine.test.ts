import { expect, test } from 'vitest';
import { closestAxes, largestOffset, placesVoxels, shiftOrigin, spacingOf } from '../../src/data/affine.ts';
import type { Affine } from '../../src/data/volume.ts';

// Voxel axes run anterior, superior and left, a little turned.
const ASL: Affine = [
  [0, 0.2, -3, 10],
  [1, 0, 0.1, 20],
  [0, 2, 0, 30],
  [0, 0, 0, 1],
];

test('spacing is the length of the columns', () => {
  expect(spacingOf(ASL)[0]).toBe(1);
  expect(spacingOf(ASL)[1]).toBeCloseTo(Math.hypot(0.2, 2));
});

test('the closest axes are found through permutation and mirroring', () => {
  expect(closestAxes(ASL)).toEqual([
    { axis: 2, flipped: true },
    { axis: 0, flipped: false },
    { axis: 1, flipped: false },
  ]);
});

test('grids are compared at the corners of the volume', () => {
  const turned = ASL.map((row, i) => (i === 0 ? ([row[0], row[1], row[2] + 0.01, row[3]] as const) : row));
  expect(largestOffset(ASL, turned, [5, 5, 101])).toBeCloseTo(1);
  expect(largestOffset(ASL, ASL, [5, 5, 5])).toBe(0);
});

test('a voxel keeps its place when the grid begins elsewhere', () => {
  expect(shiftOrigin(ASL, [1, 2, 3]).map((row) => row[3])).toEqual(
    [10 + 0.4 - 9, 20 + 1 + 0.3, 34, 1].map((x) => expect.closeTo(x, 9)),
  );
});

test('an affine that is flat or not finite places nothing', () => {
  expect(placesVoxels(ASL)).toBe(true);
  expect(
    placesVoxels([
      [1, 1, 0, 0],
      [1, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ]),
  ).toBe(false);
  expect(
    placesVoxels([
      [NaN, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ]),
  ).toBe(false);
});
