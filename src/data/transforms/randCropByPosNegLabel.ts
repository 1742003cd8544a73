import type { RandomStream } from '../../random/stream.ts';
import { DataError } from '../dataError.ts';
import { placeVolume } from '../pad.ts';
import type { Volume } from '../volume.ts';
import { moved, type RandomTransform, type SpecOf } from './transform.ts';

type Triple = readonly [number, number, number];

/** Draws are taken this often before the voxels that fit are counted. */
const TRIES = 64;

/**
 * Crops around a labelled voxel, with probability pos / (pos + neg), or around one of the background, there above
 * `image_threshold` where it is given (MONAI's RandCropByPosNegLabel; one crop a sample). Crops stay inside the image.
 */
export const randCropByPosNegLabel = ({
  spatial_size: asked,
  pos,
  neg,
  image_threshold: threshold,
}: SpecOf<'RandCropByPosNegLabel'>): RandomTransform => ({
  kind: 'random',
  apply: (subject, streams) => {
    const { image, labels } = subject;
    if (!labels) throw new DataError(subject.file, 'there are no labels to crop around', 'Give the label of the case');
    const size = eachAxis((axis) => (asked[axis]! > 0 ? asked[axis]! : image.size[axis]));
    checkSize(subject.file, image.size, size);
    const centre = drawCentre(streams('centre'), labels.values, pos / (pos + neg), (voxel) =>
      threshold === undefined ? true : isAbove(image, voxel, threshold),
    );
    if (centre === undefined)
      throw new DataError(
        subject.file,
        `no voxel is labelled, and none is above ${threshold}, to crop around`,
        'Give a lower image_threshold to RandCropByPosNegLabel, or leave the case out',
      );
    const [nx, ny] = image.size;
    const place = [centre % nx, Math.floor(centre / nx) % ny, Math.floor(centre / (nx * ny))] as const;
    const start = eachAxis((axis) =>
      Math.min(Math.max(place[axis] - (size[axis] >> 1), 0), image.size[axis] - size[axis]),
    );
    return moved(subject, (volume) =>
      placeVolume(
        volume,
        size,
        eachAxis((axis) => 0 - start[axis]),
      ),
    );
  },
});

const eachAxis = (of: (axis: 0 | 1 | 2) => number): Triple => [of(0), of(1), of(2)];

function checkSize(file: string, image: Triple, size: Triple): void {
  if (size.every((length, axis) => length <= image[axis]!)) return;
  throw new DataError(
    file,
    `a crop of ${size.join(' × ')} (RandCropByPosNegLabel) is larger than the image of ${image.join(' × ')}`,
    'Put SpatialPad with that size before it in data.transforms, or give a smaller spatial_size',
  );
}

const isAbove = ({ values, channels }: Volume, voxel: number, threshold: number): boolean => {
  const voxels = values.length / channels;
  for (let at = voxel; at < values.length; at += voxels) if (values[at]! > threshold) return true;
  return false;
};

/** A labelled voxel or one of the valid background; where there is none of the kind that is drawn, one of the other. */
function drawCentre(
  stream: RandomStream,
  labels: Uint8Array,
  share: number,
  valid: (voxel: number) => boolean,
): number | undefined {
  const labelled = (voxel: number): boolean => labels[voxel] !== 0;
  const background = (voxel: number): boolean => labels[voxel] === 0 && valid(voxel);
  const [first, second] = stream.next() < share ? [labelled, background] : [background, labelled];
  return drawVoxel(stream, labels.length, first) ?? drawVoxel(stream, labels.length, second);
}

/** One of the voxels that fit, each as likely; undefined where none does. */
function drawVoxel(stream: RandomStream, voxels: number, fits: (voxel: number) => boolean): number | undefined {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const voxel = stream.integer(voxels);
    if (fits(voxel)) return voxel;
  }
  let count = 0;
  for (let voxel = 0; voxel < voxels; voxel++) if (fits(voxel)) count += 1;
  if (count === 0) return undefined;
  let left = stream.integer(count);
  for (let voxel = 0; ; voxel++) if (fits(voxel) && left-- === 0) return voxel;
}
