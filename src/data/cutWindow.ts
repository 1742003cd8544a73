import type { InferenceSpec } from '../config/schema/inference.ts';
import type { Volume } from './volume.ts';

type Size = readonly [nx: number, ny: number, nz: number];

/** What lies outside of an image: PyTorch's padding modes. `value` is that of `constant`. */
export interface Padding {
  readonly mode: InferenceSpec['padding_mode'];
  readonly value: number;
}

/**
 * A box of an image as a tensor (z, y, x, channels): `start` is its first voxel and may be negative, and the box may reach
 * beyond the end; what is there follows from the padding.
 */
export function cutWindow({ size, channels, values }: Volume, start: Size, box: Size, padding: Padding): Float32Array {
  const [xs, ys, zs] = [0, 1, 2].map((axis) => sources(size[axis]!, start[axis]!, box[axis]!, padding.mode));
  const cut = new Float32Array(box[0] * box[1] * box[2] * channels);
  const volume = size[0] * size[1] * size[2];
  // Where the box lies in the image along x, a row of one channel is copied whole.
  const inside = channels === 1 && start[0] >= 0 && start[0] + box[0] <= size[0];
  let at = 0;
  for (const z of zs!)
    for (const y of ys!) {
      const row = size[0] * (y + size[1] * z);
      const outside = y < 0 || z < 0;
      if (inside && !outside) {
        cut.set(values.subarray(row + start[0], row + start[0] + box[0]), at);
        at += box[0];
        continue;
      }
      for (const x of xs!)
        for (let c = 0; c < channels; c++) cut[at++] = outside || x < 0 ? padding.value : values[c * volume + row + x]!;
    }
  return cut;
}

/** For each voxel of a box along one axis, the voxel of the image that stands there; -1 where none does. */
function sources(length: number, start: number, box: number, mode: Padding['mode']): Int32Array {
  return Int32Array.from({ length: box }, (_, offset) => {
    const place = start + offset;
    if (place >= 0 && place < length) return place;
    switch (mode) {
      case 'constant':
        return -1;
      case 'replicate':
        return place < 0 ? 0 : length - 1;
      case 'circular':
        return modulo(place, length);
      case 'reflect':
        return reflected(place, length);
    }
  });
}

/** …2 1 0 1 2 … n−1 n−2 …: the edge itself is not repeated, and a box that is far too large is reflected again and again. */
function reflected(place: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const within = modulo(place, period);
  return within < length ? within : period - within;
}

const modulo = (value: number, divisor: number): number => ((value % divisor) + divisor) % divisor;
