import { DataError } from './dataError.ts';
import type { Volume, VoxelArray } from './volume.ts';

/**
 * Shape of a volume as a tensor of one sample without its batch axis: (z, y, x, channels). The axes are turned round rather
 * than the voxels: a file has x fastest and a tensor its last axis, so a volume of one channel lies in memory as it is.
 */
export const tensorShape = ([nx, ny, nz]: readonly [number, number, number], channels: number): readonly number[] => [
  nz,
  ny,
  nx,
  channels,
];

/** The values of a volume with the channels fastest. The very same array where there is one channel. */
export function channelsFastest<T extends VoxelArray>({ values, channels }: Volume<T>): T {
  if (channels === 1) return values;
  const size = values.length / channels;
  const turned = new (values.constructor as new (length: number) => T)(values.length);
  for (let c = 0; c < channels; c++) for (let i = 0; i < size; i++) turned[i * channels + c] = values[c * size + i]!;
  return turned;
}

/** A volume in 32-bit floats. Throws a DataError where a voxel is NaN or infinite. */
export function toFloats(file: string, volume: Volume): Volume<Float32Array> {
  const values = volume.values instanceof Float32Array ? volume.values : Float32Array.from(volume.values);
  let unfit = 0;
  for (const value of values) if (!Number.isFinite(value)) unfit += 1;
  if (unfit > 0)
    throw new DataError(
      file,
      `${unfit} of ${values.length} voxels are NaN or infinite`,
      'Set them to 0, for instance with numpy.nan_to_num',
    );
  return { ...volume, values };
}

/** Volumes of one grid behind one another as channels. The very same volume where there is one. */
export function stackChannels(parts: readonly Volume<Float32Array>[]): Volume<Float32Array> {
  const [first] = parts;
  if (parts.length === 1) return first!;
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    at += part.values.length;
  }
  return { ...first!, channels: parts.reduce((sum, part) => sum + part.channels, 0), values };
}
