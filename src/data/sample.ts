import type { DataSpec } from '../config/runFile.ts';
import { RandomStream } from '../random/stream.ts';
import { shiftOrigin, spacingOf } from './affine.ts';
import { channelsFastest, tensorShape } from './channels.ts';
import type { Case } from './dataset.ts';
import { drawWarp } from './geometry.ts';
import { marginBefore, paddedSize, padVolume } from './pad.ts';
import { applyRandom } from './transforms/index.ts';
import type { Subject } from './transforms/transform.ts';
import { warp } from './warp.ts';

type Triple = readonly [number, number, number];

/** How samples are made. */
export interface SampleSpec extends Pick<DataSpec, 'patch_size' | 'foreground' | 'augment' | 'transforms'> {
  /** Whole images are padded to multiples of this. */
  readonly divisor: number;
  /** A network of two axes is given one slice (x, y) of a volume. */
  readonly spatialDims: 2 | 3;
}

/** What names a sample, whichever worker draws it. */
export interface SampleKey {
  readonly seed: number;
  readonly epoch: number;
  /** Its place in the epoch. */
  readonly index: number;
}

/** What the network is trained on: a crop, or a whole image. */
export interface Sample {
  /** (z, y, x, channels), or (y, x, channels) of a slice: memory order of a NIfTI file, so that nothing is transposed. */
  readonly shape: readonly number[];
  readonly image: Float32Array;
  /** Class of every voxel, (z, y, x). */
  readonly labels: Uint8Array;
  /** For every class, whether it is annotated. */
  readonly annotated: readonly boolean[];
}

/**
 * Draws a sample of a case: where it is cut and how it is deformed (in one resampling), its intensities and its noise; then the
 * random transforms of the run file. The same key gives the same sample.
 */
export function drawSample(source: Case, spec: SampleSpec, { seed, epoch, index }: SampleKey): Sample {
  const streams = (purpose: string): RandomStream => new RandomStream(seed, 'sample', epoch, index, purpose);
  const cut = drawCut(source, spec, streams);
  const { image, labels } = padded(applyRandom(cut, spec.transforms, streams), spec);
  const shape = tensorShape(image.size, image.channels);
  return {
    shape: spec.spatialDims === 2 ? shape.slice(1) : shape,
    image: channelsFastest(image),
    labels: labels!.values,
    annotated: source.annotated,
  };
}

/** A crop, or the whole image, deformed and with other intensities as `data.augment` says. */
function drawCut(source: Case, spec: SampleSpec, streams: (purpose: string) => RandomStream): Subject {
  const { augment } = spec;
  const subject = { file: source.source.file, image: source.image, labels: source.labels, voxels: source.voxels };
  const size = cutSize(source.image.size, spec);
  const start = drawStart(streams('crop'), source, size, spec);
  const still = augment.rotate === 0 && augment.scale === 0 && augment.elastic === 0;
  const cut = still && size.every((length, axis) => length === source.image.size[axis]);
  if (cut && augment.intensity === 0 && augment.noise === 0) return subject;
  const { affine, channels } = source.image;
  const box = drawWarp(streams, { start, size }, spacingOf(affine), augment);
  const { image, labels } = warp(source.image, source.labels, box);
  alterIntensity(streams('intensity'), image, augment.intensity);
  addNoise(streams('noise'), image, augment.noise);
  const grid = { size, affine: shiftOrigin(affine, start) };
  return {
    file: subject.file,
    image: { ...grid, channels, values: image },
    labels: { ...grid, channels: 1, values: labels },
  };
}

/** What the network can halve: whole images are padded, crops have their size already. */
function padded(subject: Subject, { divisor, spatialDims, patch_size: patch }: SampleSpec): Subject {
  if (patch !== 'whole') return subject;
  const size = paddedSize(subject.image.size, divisor, spatialDims);
  if (size.every((length, axis) => length === subject.image.size[axis])) return subject;
  return { ...subject, image: padVolume(subject.image, size), labels: padVolume(subject.labels!, size) };
}

/** Size along x, y, z of the samples of an image. */
export function sampleSize(imageSize: Triple, spec: SampleSpec): Triple {
  const size = cutSize(imageSize, spec);
  return spec.patch_size === 'whole' ? paddedSize(size, spec.divisor, spec.spatialDims) : size;
}

/** Size of what is cut out of an image, before any padding. */
function cutSize(imageSize: Triple, { patch_size: patch, spatialDims }: SampleSpec): Triple {
  const [x = 1, y = 1, z = 1] = patch === 'whole' ? imageSize : patch;
  return [x, y, spatialDims === 2 ? 1 : z];
}

/** The first voxel of the crop: around a voxel of a class that is drawn first, or anywhere. */
function drawStart(stream: RandomStream, source: Case, size: Triple, { foreground }: SampleSpec): Triple {
  const [nx, ny] = source.image.size;
  const present = source.voxels.filter((list) => list.length > 0);
  const choice = size.some((length, axis) => length < source.image.size[axis]!);
  const around = choice && stream.next() < foreground && present.length > 0;
  if (!around) return eachAxis((axis) => placeAnywhere(stream, source.image.size[axis], size[axis]));
  const list = present[stream.integer(present.length)]!;
  const voxel = list[stream.integer(list.length)]!;
  const centre = [voxel % nx, Math.floor(voxel / nx) % ny, Math.floor(voxel / (nx * ny))] as const;
  return eachAxis((axis) => placeAround(centre[axis], source.image.size[axis], size[axis]));
}

const eachAxis = (place: (axis: 0 | 1 | 2) => number): Triple => [place(0), place(1), place(2)];

/** A crop that is larger than the image has it in its middle. */
const placeAnywhere = (stream: RandomStream, length: number, crop: number): number =>
  crop >= length ? -marginBefore(length, crop) : stream.integer(length - crop + 1);

/** As close around the voxel as the image's borders allow. */
const placeAround = (centre: number, length: number, crop: number): number =>
  crop >= length ? -marginBefore(length, crop) : Math.min(Math.max(centre - (crop >> 1), 0), length - crop);

/** contrast · value + brightness, with both up to `limit` from 1 and 0. */
function alterIntensity(stream: RandomStream, image: Float32Array, limit: number): void {
  if (limit === 0) return;
  const contrast = 1 + stream.uniform(-limit, limit);
  const brightness = stream.uniform(-limit, limit);
  for (let i = 0; i < image.length; i++) image[i] = contrast * image[i]! + brightness;
}

function addNoise(stream: RandomStream, image: Float32Array, deviation: number): void {
  if (deviation === 0) return;
  for (let i = 0; i < image.length; i++) image[i]! += deviation * stream.normal();
}
