import { closestAxes, compose, invert } from '../affine.ts';
import { resampleTo } from '../resample.ts';
import { roundEven } from '../sampling.ts';
import type { Affine, Volume } from '../volume.ts';
import type { DeterministicTransform, SpecOf } from './transform.ts';

type Triple = readonly [number, number, number];
type Grid = Pick<Volume, 'size' | 'affine'>;

/** MONAI leaves an image as it is where no entry of the step from grid to grid is farther from the identity. */
const SAME = 1e-3;

/**
 * Resamples to voxels of `pixdim` millimetres: linearly, labels by nearest neighbour (MONAI 0.2.0's Spacing). The first
 * voxel stays where it is and axes keep their directions, less any shear; with `diagonal` they run along those of space.
 */
export const spacing = ({ pixdim, diagonal, padding_mode: mode }: SpecOf<'Spacing'>): DeterministicTransform => ({
  kind: 'deterministic',
  apply: (subject) => {
    const { file, image, labels } = subject;
    const grid = spacedGrid(image, [pixdim[0]!, pixdim[1]!, pixdim[2]!], diagonal);
    if (isSame(image.affine, grid.affine)) return subject;
    const padding = mode === 'zeros' ? 0 : mode;
    return {
      file,
      image: resampleTo(image, grid, 'linear', padding),
      labels: labels && resampleTo(labels, grid, 'nearest', padding),
    };
  },
});

/** As many voxels as the image is long, to the nearest, a half to the even: round(extent + 1) with the extent between its outer voxels' middles. */
function spacedGrid({ size, affine }: Volume, pixdim: Triple, diagonal: boolean): Grid {
  const linear = diagonal ? scaled(IDENTITY, pixdim) : scaled(unsheared(affine), pixdim);
  const corners = cornersOf(size).map((corner) => through(affine, corner));
  const inside = corners.map((corner) => through(invert(linear), corner));
  const extent = (axis: number): number => {
    const along = inside.map((corner) => corner[axis]!);
    return Math.max(...along) - Math.min(...along);
  };
  const lowest = (axis: number): number => Math.min(...corners.map((corner) => corner[axis]!));
  const kept = JSON.stringify(closestAxes(affine)) === JSON.stringify(closestAxes(linear));
  const shift = (row: number): number => (kept ? affine[row]![3] : lowest(row));
  return {
    size: [roundEven(extent(0) + 1), roundEven(extent(1) + 1), roundEven(extent(2) + 1)],
    affine: linear.map(([a, b, c, t], row) => [a, b, c, row < 3 ? shift(row) : t] as const),
  };
}

const IDENTITY: Affine = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
];

/** Directions of the axes without shear: Gram and Schmidt's, the first as it is, as Q of QR with R's diagonal positive. */
function unsheared(affine: Affine): Affine {
  const column = (d: 0 | 1 | 2): number[] => [affine[0]![d], affine[1]![d], affine[2]![d]];
  const basis: number[][] = [];
  for (const d of [0, 1, 2] as const) {
    let left = column(d);
    for (const unit of basis) {
      const along = dot(left, unit);
      left = left.map((value, i) => value - along * unit[i]!);
    }
    const length = Math.sqrt(dot(left, left));
    basis.push(left.map((value) => value / length));
  }
  const row = (i: number): Affine[0] => [basis[0]![i]!, basis[1]![i]!, basis[2]![i]!, 0];
  return [row(0), row(1), row(2), [0, 0, 0, 1]];
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

const scaled = (affine: Affine, [x, y, z]: Triple): Affine =>
  compose(affine, [
    [x, 0, 0, 0],
    [0, y, 0, 0],
    [0, 0, z, 0],
    [0, 0, 0, 1],
  ]);

const cornersOf = (size: Triple): Triple[] =>
  [0, 1, 2, 3, 4, 5, 6, 7].map((n) => [n & 1 ? size[0] - 1 : 0, n & 2 ? size[1] - 1 : 0, n & 4 ? size[2] - 1 : 0]);

const through = (affine: Affine, [x, y, z]: Triple): Triple => {
  const along = (row: number): number => {
    const [a, b, c, t] = affine[row]!;
    return a * x + b * y + c * z + t;
  };
  return [along(0), along(1), along(2)];
};

const isSame = (from: Affine, to: Affine): boolean =>
  compose(invert(from), to).every((row, i) => row.every((value, j) => Math.abs(value - IDENTITY[i]![j]!) <= SAME));
