import type { Affine, Volume, VoxelArray } from './volume.ts';

type Triple = readonly [number, number, number];
type Axis = 0 | 1 | 2;

/**
 * Voxels of a new grid that fall on voxels of an old one: along axis d of the new grid the old axis `axes[d]` runs, in the
 * direction `signs[d]`, and voxel 0 of the new grid is voxel `start` of the old one.
 */
export interface Lattice {
  readonly axes: readonly [Axis, Axis, Axis];
  readonly signs: Triple;
  readonly start: Triple;
}

/** Places may be off by this share of a voxel, since headers hold 32-bit floats. */
const TOLERANCE = 1e-3;

/** A step from voxels of a new grid of this size to voxels of an old one, where it takes voxels to voxels. */
export function latticeOf(step: Affine, size: Triple): Lattice | undefined {
  const column = (d: Axis): { axis: Axis; sign: number } => {
    const entries = [step[0]![d], step[1]![d], step[2]![d]];
    const axis = ([0, 1, 2] as const).reduce((a, b) => (Math.abs(entries[b]!) > Math.abs(entries[a]!) ? b : a));
    return { axis, sign: Math.sign(entries[axis]!) };
  };
  const columns = [column(0), column(1), column(2)] as const;
  const start = [Math.round(step[0]![3]), Math.round(step[1]![3]), Math.round(step[2]![3])] as const;
  // How far a place may be off at the farthest corner: the sum over the axes is that of the worst corner.
  const fits = start.every((begin, row) => {
    const off = columns.map(({ axis, sign }, d) => Math.abs(step[row]![d as Axis] - (axis === row ? sign : 0)));
    const along = off.reduce((sum, each, d) => sum + each * (size[d]! - 1), 0);
    return Math.abs(step[row]![3] - begin) + along < TOLERANCE;
  });
  const axes = [columns[0].axis, columns[1].axis, columns[2].axis] as const;
  if (!fits || new Set(axes).size < 3) return undefined;
  return { axes, signs: [columns[0].sign, columns[1].sign, columns[2].sign], start };
}

/** Takes the voxels of a lattice out of a volume, as they are; `outside` where it has none. */
export function takeLattice<T extends VoxelArray>(
  volume: Volume<T>,
  { axes, signs, start }: Lattice,
  grid: Pick<Volume, 'size' | 'affine'>,
  outside: number,
): Volume<T> {
  const { size: from, channels } = volume;
  const [nx, ny, nz] = grid.size;
  const strides = [1, from[0], from[0] * from[1]] as const;
  const values = new (volume.values.constructor as new (length: number) => T)(nx * ny * nz * channels);
  if (outside !== 0) values.fill(outside);
  const stride = (d: Axis): number => signs[d] * strides[axes[d]];
  const [dx, dy, dz] = [stride(0), stride(1), stride(2)];
  const [x0, x1] = overlap(from[axes[0]], start[axes[0]], signs[0], nx);
  const [y0, y1] = overlap(from[axes[1]], start[axes[1]], signs[1], ny);
  const [z0, z1] = overlap(from[axes[2]], start[axes[2]], signs[2], nz);
  const origin = start[0] + strides[1] * start[1] + strides[2] * start[2];
  for (let c = 0; c < channels; c++)
    for (let z = z0; z < z1; z++)
      for (let y = y0; y < y1; y++) {
        let source = c * from[0] * from[1] * from[2] + origin + dz * z + dy * y + dx * x0;
        const at = nx * (y + ny * (z + nz * c));
        if (dx === 1) values.set(volume.values.subarray(source, source + Math.max(0, x1 - x0)), at + x0);
        else for (let x = x0; x < x1; x++, source += dx) values[at + x] = volume.values[source]!;
      }
  return { size: grid.size, channels, values, affine: grid.affine };
}

/** The voxels of a new axis of `count` that lie on an old one of `length`: from the first to before the second. */
function overlap(length: number, start: number, sign: number, count: number): readonly [number, number] {
  const [low, high] = sign > 0 ? [-start, length - start] : [start - length + 1, start + 1];
  return [Math.max(0, low), Math.min(count, high)];
}
