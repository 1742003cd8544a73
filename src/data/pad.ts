import { shiftOrigin } from './affine.ts';
import type { Volume, VoxelArray } from './volume.ts';

type Size = readonly [nx: number, ny: number, nz: number];

/** The smallest size, no smaller than the given one, that the model can halve: multiples of its divisor along the first `axes` axes. */
export function paddedSize(size: Size, divisor: number, axes: 2 | 3 = 3): Size {
  const up = (length: number): number => Math.ceil(length / divisor) * divisor;
  return [up(size[0]), up(size[1]), axes === 3 ? up(size[2]) : size[2]];
}

/** Voxels put before the first one along an axis: ⌊w/2⌋ of w, as MONAI's symmetric SpatialPad. Negative where it is cropped. */
export const marginBefore = (length: number, target: number): number => Math.floor((target - length) / 2);

/** Lays a volume in the middle of a larger one of zeros; its affine moves along, so that voxels stay where they are in space. */
export function padVolume<T extends VoxelArray>(volume: Volume<T>, target: Size): Volume<T> {
  if (target.some((length, axis) => length < volume.size[axis]!))
    throw new RangeError(
      `a volume of ${volume.size.join(' × ')} cannot be padded to the smaller ${target.join(' × ')}`,
    );
  return placeVolume(volume, target, marginsOf(volume.size, target));
}

/** Takes `size` out of the middle of a padded volume: the inverse of padVolume. */
export function cropVolume<T extends VoxelArray>(volume: Volume<T>, size: Size): Volume<T> {
  if (size.some((length, axis) => length > volume.size[axis]!))
    throw new RangeError(`a volume of ${volume.size.join(' × ')} cannot be cropped to the larger ${size.join(' × ')}`);
  const [x, y, z] = marginsOf(size, volume.size);
  return placeVolume(volume, size, [-x, -y, -z]);
}

const marginsOf = (size: Size, target: Size): Size => [
  marginBefore(size[0], target[0]),
  marginBefore(size[1], target[1]),
  marginBefore(size[2], target[2]),
];

/** A volume of another size in which voxel p of the given one is voxel p + shift. Rows are copied whole. */
export function placeVolume<T extends VoxelArray>(volume: Volume<T>, target: Size, shift: Size): Volume<T> {
  const { size, channels } = volume;
  const [tx, ty, tz] = target;
  const values = new (volume.values.constructor as new (length: number) => T)(tx * ty * tz * channels);
  const beginX = Math.max(0, shift[0]);
  const length = Math.min(tx, size[0] + shift[0]) - beginX;
  for (let c = 0; c < channels; c++)
    for (let z = Math.max(0, shift[2]); z < Math.min(tz, size[2] + shift[2]); z++)
      for (let y = Math.max(0, shift[1]); y < Math.min(ty, size[1] + shift[1]); y++) {
        const sourceRow = size[0] * (y - shift[1] + size[1] * (z - shift[2] + size[2] * c));
        const from = sourceRow + beginX - shift[0];
        values.set(volume.values.subarray(from, from + length), beginX + tx * (y + ty * (z + tz * c)));
      }
  return { size: target, channels, values, affine: shiftOrigin(volume.affine, [-shift[0], -shift[1], -shift[2]]) };
}
