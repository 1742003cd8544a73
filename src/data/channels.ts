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
