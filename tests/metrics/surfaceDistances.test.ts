import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MetricShapeError } from '../../src/metrics/dice.ts';
import { surfaceDistances } from '../../src/metrics/surfaceDistances.ts';
import { averageSurfaceDistance, hausdorffDistance, surfaceDice } from '../../src/metrics/surfaceFigures.ts';

type Triple = readonly [number, number, number];

const millimetres: Triple = [1, 1, 1];

/** A volume with a box of ones in it. */
function boxIn(size: Triple, from: Triple, to: Triple): Uint8Array {
  const [nx, ny, nz] = size;
  const inside = (n: number, axis: 0 | 1 | 2): boolean => n >= from[axis] && n < to[axis];
  return Uint8Array.from({ length: nx * ny * nz }, (_, i) => {
    const [x, y, z] = [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))];
    return inside(x, 0) && inside(y, 1) && inside(z, 2) ? 1 : 0;
  });
}

describe('a box that is moved', () => {
  const size: Triple = [12, 9, 8];
  const truth = boxIn(size, [2, 2, 2], [6, 6, 6]);
  const moved = boxIn(size, [5, 2, 2], [9, 6, 6]);

  test('lies as far off as it was moved, in millimetres', () => {
    expect(hausdorffDistance(surfaceDistances(moved, truth, 1, { size, spacing: millimetres }))).toBe(3);
    expect(hausdorffDistance(surfaceDistances(moved, truth, 1, { size, spacing: [0.5, 3, 2] }))).toBe(1.5);
  });

  test('has a surface without its inside: 4³ − 2³ voxels', () => {
    const distances = surfaceDistances(moved, truth, 1, { size, spacing: millimetres });
    expect([distances.toTruth.length, distances.toPrediction.length]).toEqual([56, 56]);
  });

  test('has a surface Dice that grows with the tolerance up to 1', () => {
    const distances = surfaceDistances(moved, truth, 1, { size, spacing: millimetres });
    const shares = [0, 1, 2, 3].map((tolerance) => surfaceDice(distances, tolerance));
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares[0]).toBeGreaterThan(0);
    expect(shares.at(-1)).toBe(1);
  });
});

test('a truth that covers the image has its surface at the border of the image', () => {
  const size: Triple = [5, 5, 5];
  const all = boxIn(size, [0, 0, 0], size);
  const distances = surfaceDistances(all, all, 1, { size, spacing: millimetres });
  expect(distances.toTruth.length).toBe(125 - 27);
  expect(hausdorffDistance(distances)).toBe(0);
});

test('on a grid of two axes the surface is the contour', () => {
  const slice = boxIn([5, 5, 1], [0, 0, 0], [5, 5, 1]);
  const voxels = (size: readonly number[]): number =>
    surfaceDistances(slice, slice, 1, { size, spacing: size.map(() => 1) }).toTruth.length;
  expect([voxels([5, 5]), voxels([5, 5, 1])]).toEqual([16, 25]);
});

test('three voxels of 0.1 mm are within a tolerance of 0.3 mm', () => {
  const distances = surfaceDistances(Uint8Array.of(0, 0, 0, 1), Uint8Array.of(1, 0, 0, 0), 1, {
    size: [4, 1],
    spacing: [0.1, 1],
  });
  expect(surfaceDice(distances, 0.3)).toBe(1);
  expect(surfaceDice(distances, 0.29)).toBe(0);
});

describe('a structure that is missing', () => {
  const size = [4, 1];
  const some = Uint8Array.of(0, 1, 1, 0);
  const none = new Uint8Array(4);
  const figures = (prediction: Uint8Array, truth: Uint8Array): readonly number[] => {
    const distances = surfaceDistances(prediction, truth, 1, { size, spacing: [1, 1] });
    return [
      hausdorffDistance(distances),
      hausdorffDistance(distances, { percentile: 95 }),
      averageSurfaceDistance(distances),
      averageSurfaceDistance(distances, { symmetric: true }),
      surfaceDice(distances, 2),
    ];
  };

  test.each([
    ['prediction', none, some],
    ['truth', some, none],
  ])('in the %s alone is infinitely far, and its percentile NaN as of torch.quantile', (_, prediction, truth) => {
    expect(figures(prediction, truth)).toEqual([Infinity, Number.NaN, Infinity, Infinity, 0]);
  });

  test('in both has no distance', () => {
    expect(figures(none, none)).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
  });
});

test('directions differ: one is from the prediction to the truth, Hausdorff takes the worse', () => {
  const distances = surfaceDistances(Uint8Array.of(1, 0, 0, 0, 0), Uint8Array.of(1, 0, 0, 0, 1), 1, {
    size: [5, 1],
    spacing: [1, 1],
  });
  expect(hausdorffDistance(distances, { directed: true })).toBe(0);
  expect(hausdorffDistance(distances)).toBe(4);
  expect(averageSurfaceDistance(distances)).toBe(0);
  expect(averageSurfaceDistance(distances, { symmetric: true })).toBeCloseTo(4 / 3, 6);
});

test('percentiles lie linearly between the values, as those of numpy', () => {
  const toTruth = Float32Array.of(4, 1, 3, 2);
  const distances = { toTruth, toPrediction: Float32Array.of(0) };
  const at = (percentile: number): number => hausdorffDistance(distances, { percentile });
  expect([at(0), at(50), at(95), at(100)]).toEqual([1, 2.5, expect.closeTo(3.85, 6), 4]);
});

test('moving both volumes along moves no figure, and swapping them swaps the directions', () => {
  const corner = fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4));
  fc.assert(
    fc.property(corner, corner, corner, (a, b, shift) => {
      const size: Triple = [14, 14, 14];
      const blockAt = ([x, y, z]: Triple, by: Triple): Uint8Array =>
        boxIn(size, [x + by[0], y + by[1], z + by[2]], [x + by[0] + 3, y + by[1] + 2, z + by[2] + 4]);
      const grid = { size, spacing: [1, 2, 0.5] };
      const here = surfaceDistances(blockAt(a, [0, 0, 0]), blockAt(b, [0, 0, 0]), 1, grid);
      const there = surfaceDistances(blockAt(a, shift), blockAt(b, shift), 1, grid);
      const swapped = surfaceDistances(blockAt(b, [0, 0, 0]), blockAt(a, [0, 0, 0]), 1, grid);
      expect(there).toEqual(here);
      expect(swapped).toEqual({ toTruth: here.toPrediction, toPrediction: here.toTruth });
    }),
    { numRuns: 25 },
  );
});

test('volumes that do not fill the grid are refused', () => {
  const grid = { size: [2, 2], spacing: [1, 1] };
  expect(() => surfaceDistances(new Uint8Array(4), new Uint8Array(3), 1, grid)).toThrow(MetricShapeError);
});
