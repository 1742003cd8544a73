import { shiftOrigin } from '../affine.ts';
import { rowSampler, sampleRows, type Padding, type RowPlaces } from '../sampling.ts';
import type { Affine, Volume, VoxelArray } from '../volume.ts';
import type { SpecOf, Subject } from './transform.ts';

type Size = Volume['size'];

/** Where the voxels of a new grid are taken from: both grids have their middles at 0, and then source = affine · (p + offset(p)). */
export interface GridWarp {
  readonly size: Size;
  readonly affine: Affine;
  /** Displacements along x, y and z in voxels, for every voxel of the new grid. */
  readonly offset?: readonly [Float32Array, Float32Array, Float32Array] | undefined;
}

/** Image and labels sampled at the places of a warp, in one go. */
export function warpSubject(
  { file, image, labels }: Subject,
  warp: GridWarp,
  { mode, padding }: { mode: 'linear' | 'nearest'; padding: Padding },
): Subject {
  const target = empty(image, warp.size);
  const targetLabels = labels && empty(labels, warp.size);
  sampleRows({ from: image.size, to: warp.size }, padding, warpedPlaces(warp, image.size), [
    rowSampler(image, target, mode, padding),
    ...(labels && targetLabels ? [rowSampler(labels, targetLabels, 'nearest', padding)] : []),
  ]);
  return { file, image: target, labels: targetLabels };
}

/** Zeros in the middle of a volume's place. */
function empty<T extends VoxelArray>({ size: from, channels, values, affine }: Volume<T>, size: Size): Volume<T> {
  const begin = (axis: 0 | 1 | 2): number => (from[axis] - size[axis]) / 2;
  return {
    size,
    channels,
    values: new (values.constructor as new (length: number) => T)(size[0] * size[1] * size[2] * channels),
    affine: shiftOrigin(affine, [begin(0), begin(1), begin(2)]),
  };
}

function warpedPlaces({ size, affine, offset }: GridWarp, from: Size): RowPlaces {
  const [[xx, xy, xz, tx], [yx, yy, yz, ty], [zx, zy, zz, tz]] = affine as readonly [Affine[0], Affine[0], Affine[0]];
  const middle = (length: number): number => (length - 1) / 2;
  const [cx, cy, cz] = [middle(size[0]), middle(size[1]), middle(size[2])];
  const [ox, oy, oz] = [tx + middle(from[0]), ty + middle(from[1]), tz + middle(from[2])];
  const still = new Float32Array(size[0]);
  return (y, z, places) => {
    const at = size[0] * (y + size[1] * z);
    const [dx, dy, dz] = (offset ?? []).map((field) => field.subarray(at, at + size[0]));
    place(places, dx ?? still, dy ?? still, dz ?? still, y - cy, z - cz);
  };
  function place(
    places: { x: Float64Array; y: Float64Array; z: Float64Array },
    dx: Float32Array,
    dy: Float32Array,
    dz: Float32Array,
    y: number,
    z: number,
  ): void {
    for (let i = 0; i < dx.length; i++) {
      const px = i - cx + dx[i]!;
      const py = y + dy[i]!;
      const pz = z + dz[i]!;
      places.x[i] = xx * px + xy * py + xz * pz + ox;
      places.y[i] = yx * px + yy * py + yz * pz + oy;
      places.z[i] = zx * px + zy * py + zz * pz + oz;
    }
  }
}

/** What a run file calls the voxels outside an image. */
export const paddingOf = (mode: SpecOf<'RandAffine'>['padding_mode']): Padding => (mode === 'zeros' ? 0 : mode);

/** The size that is asked for, or the image's where it is 0 or −1. */
export const askedSize = (asked: readonly number[] | undefined, size: Size): Size => {
  const length = (axis: 0 | 1 | 2): number => (asked && asked[axis]! > 0 ? asked[axis]! : size[axis]);
  return [length(0), length(1), length(2)];
};
