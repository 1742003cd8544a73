import { compose, invert } from './affine.ts';
import { latticeOf, takeLattice } from './lattice.ts';
import { rowSampler, sampleRows, type Padding, type RowPlaces } from './sampling.ts';
import type { Affine, Volume, VoxelArray } from './volume.ts';

/** Where voxels lie: how many along x, y, z, and where in space. */
type Grid = Pick<Volume, 'size' | 'affine'>;

/**
 * A volume on another grid: each voxel of the grid takes what lies at its place in space, linearly between eight voxels or
 * from the nearest one. Grids that are turned, flipped, cropped or padded forms of each other give the very same values.
 * Beside the result a few rows are held, no more.
 */
export function resampleTo(
  volume: Volume<Float32Array>,
  grid: Grid,
  mode: 'linear' | 'nearest',
  outside: Padding,
): Volume<Float32Array>;
export function resampleTo<T extends VoxelArray>(
  volume: Volume<T>,
  grid: Grid,
  mode: 'nearest',
  outside: Padding,
): Volume<T>;
export function resampleTo<T extends VoxelArray>(
  volume: Volume<T>,
  grid: Grid,
  mode: 'linear' | 'nearest',
  outside: Padding,
): Volume<T> {
  const step = compose(invert(volume.affine), grid.affine);
  const lattice = latticeOf(step, grid.size);
  if (lattice && typeof outside === 'number') return takeLattice(volume, lattice, grid, outside);
  const { values, channels } = volume;
  const [nx, ny, nz] = grid.size;
  const out = new (values.constructor as new (length: number) => T)(nx * ny * nz * channels);
  const resampled = { size: grid.size, channels, values: out, affine: grid.affine };
  sampleRows({ from: volume.size, to: grid.size }, outside, rowPlaces(step), [
    rowSampler(volume, resampled, mode, outside),
  ]);
  return resampled;
}

/** The places that a step takes the voxels of a row to. */
function rowPlaces(step: Affine): RowPlaces {
  const [[xx, xy, xz, x0], [yx, yy, yz, y0], [zx, zy, zz, z0]] = step as readonly [Affine[0], Affine[0], Affine[0]];
  return (y, z, places) => {
    const beginX = xy * y + xz * z + x0;
    const beginY = yy * y + yz * z + y0;
    const beginZ = zy * y + zz * z + z0;
    for (let x = 0; x < places.x.length; x++) {
      places.x[x] = beginX + xx * x;
      places.y[x] = beginY + yx * x;
      places.z[x] = beginZ + zx * x;
    }
  };
}
