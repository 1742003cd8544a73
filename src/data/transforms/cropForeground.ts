import { DataError } from '../dataError.ts';
import { placeVolume } from '../pad.ts';
import type { Volume } from '../volume.ts';
import { moved, type DeterministicTransform, type SpecOf } from './transform.ts';

type Size = Volume['size'];

/** Crops to the box of the voxels above `threshold` in any of the channels, and `margin` voxels more on every side. */
export const cropForeground = ({
  threshold,
  margin,
  channel_indexes: channels,
}: SpecOf<'CropForeground'>): DeterministicTransform => ({
  kind: 'deterministic',
  apply: (subject) => {
    const { image, file } = subject;
    const box = foregroundBox(image, threshold, channels ?? Array.from({ length: image.channels }, (_, c) => c));
    if (box.last[0] < 0)
      throw new DataError(
        file,
        `no voxel is above ${threshold}, so that CropForeground finds no foreground`,
        'Give a lower threshold, or leave the case out',
      );
    const first = eachAxis((axis) => Math.max(0, box.first[axis] - margin));
    const size = eachAxis((axis) => Math.min(image.size[axis], box.last[axis] + margin + 1) - first[axis]);
    return moved(subject, (volume) =>
      placeVolume(
        volume,
        size,
        eachAxis((axis) => -first[axis]),
      ),
    );
  },
});

const eachAxis = (of: (axis: 0 | 1 | 2) => number): Size => [of(0), of(1), of(2)];

/** First and last voxel along each axis; −1 where there is none. */
function foregroundBox(
  { size: [nx, ny, nz], values }: Volume,
  threshold: number,
  channels: readonly number[],
): { readonly first: Size; readonly last: Size } {
  let [x0, y0, z0, x1, y1, z1] = [nx, ny, nz, -1, -1, -1];
  for (const c of channels)
    for (let z = 0; z < nz; z++)
      for (let y = 0; y < ny; y++) {
        const row = nx * (y + ny * (z + nz * c));
        let left = 0;
        while (left < nx && !(values[row + left]! > threshold)) left += 1;
        if (left === nx) continue;
        let right = nx - 1;
        while (!(values[row + right]! > threshold)) right -= 1;
        [x0, x1] = [Math.min(x0, left), Math.max(x1, right)];
        [y0, y1] = [Math.min(y0, y), Math.max(y1, y)];
        [z0, z1] = [Math.min(z0, z), Math.max(z1, z)];
      }
  return { first: [x0, y0, z0], last: [x1, y1, z1] };
}
