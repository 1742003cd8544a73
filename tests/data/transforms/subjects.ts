import fc from 'fast-check';
import { RandomStream } from '../../../src/random/stream.ts';
import { transformFor } from '../../../src/data/transforms/index.ts';
import type { Streams, Subject } from '../../../src/data/transforms/transform.ts';
import type { Affine, Volume } from '../../../src/data/volume.ts';
import { stepSchema } from '../../../src/config/schema/transforms.ts';
import { floatVolume, labelVolume } from '../../support/volumes.ts';

type Size = Volume['size'];

/** Where a voxel lies in space. */
export const inSpace = (affine: Affine, x: number, y: number, z: number): readonly [number, number, number] => {
  const along = (row: number): number => {
    const [a, b, c, t] = affine[row]!;
    return a * x + b * y + c * z + t;
  };
  return [along(0), along(1), along(2)];
};

/** An image that says where it lies: its three channels are the place of each voxel in space. Labels say x + y + z, to 255. */
export function placedSubject(size: Size, affine: Affine): Subject {
  return {
    file: 'case.nii',
    image: floatVolume(size, (x, y, z, c) => inSpace(affine, x, y, z)[c]!, { channels: 3, affine }),
    labels: labelVolume(size, (x, y, z) => 1 + ((x + 3 * y + 7 * z) % 250), affine),
  };
}

/** The largest distance of what the voxels say from where they lie, in millimetres, over those that `counts` allows. */
export function misplacement({ size, affine, values }: Volume, counts: (at: number) => boolean = () => true): number {
  const [nx, ny, nz] = size;
  const voxels = nx * ny * nz;
  let worst = 0;
  for (let at = 0; at < voxels; at++) {
    if (!counts(at)) continue;
    const place = inSpace(affine, at % nx, Math.floor(at / nx) % ny, Math.floor(at / (nx * ny)));
    worst = Math.max(worst, ...place.map((where, c) => Math.abs(where - values[c * voxels + at]!)));
  }
  return worst;
}

const angle = fc.double({ min: -Math.PI, max: Math.PI, noNaN: true });
const spacing = fc.double({ min: 0.5, max: 3, noNaN: true });
const shift = fc.double({ min: -100, max: 100, noNaN: true });

/** Images lie in any way: turned about z and then x, with voxels of any size. */
export const affines: fc.Arbitrary<Affine> = fc
  .tuple(angle, angle, fc.tuple(spacing, spacing, spacing), fc.tuple(shift, shift, shift), fc.constantFrom(-1, 1))
  .map(([a, b, [dx, dy, dz], [tx, ty, tz], hand]) => {
    const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
    return [
      [hand * ca * dx, -sa * dy, 0, tx],
      [hand * cb * sa * dx, cb * ca * dy, -sb * dz, ty],
      [hand * sb * sa * dx, sb * ca * dy, cb * dz, tz],
      [0, 0, 0, 1],
    ];
  });

const length = fc.integer({ min: 2, max: 7 });
export const sizes: fc.Arbitrary<Size> = fc.tuple(length, length, length);

/** The streams of a sample, as the loader names them. */
export const streamsOf =
  (sample: number): Streams =>
  (purpose) =>
    new RandomStream(7, 'sample', 0, sample, purpose);

/** A transform as a run file says it, applied. */
export const apply = (subject: Subject, step: object, streams: Streams = streamsOf(0)): Subject =>
  transformFor(stepSchema.parse(step)).apply(subject, streams);

/** One channel and no labels, voxels of 1 mm. */
export const imageOf = (size: Size, value: (x: number, y: number, z: number) => number): Subject => ({
  file: 'case.nii',
  image: floatVolume(size, value),
});
