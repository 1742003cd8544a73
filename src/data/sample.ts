import type { DataSpec } from '../config/runFile.ts';
import { RandomStream } from '../random/stream.ts';
import { spacingOf } from './affine.ts';
import { tensorShape } from './channels.ts';
import type { Case } from './dataset.ts';
import { drawWarp } from './geometry.ts';
import { marginBefore, paddedSize } from './pad.ts';
import { warp } from './warp.ts';

type Triple = readonly [number, number, number];

/** How samples are made. */
export interface SampleSpec extends Pick<DataSpec, 'patch_size' | 'foreground' | 'augment'> {
  /** Whole images are padded to multiples of this. */
  readonly divisor: number;
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
  /** (z, y, x, channels): memory order of a NIfTI file, so that nothing is transposed. */
  readonly shape: readonly number[];
  readonly image: Float32Array;
  /** Class of every voxel, (z, y, x). */
  readonly labels: Uint8Array;
}

/** Draws a sample of a case: where it is cut, how it is deformed, its intensities and its noise. The same key gives the same sample. */
export function drawSample(source: Case, spec: SampleSpec, { seed, epoch, index }: SampleKey): Sample {
  const streams = (purpose: string): RandomStream => new RandomStream(seed, 'sample', epoch, index, purpose);
  const size = sampleSize(source.image.size, spec);
  const start = drawStart(streams('crop'), source, size, spec);
  const box = drawWarp(streams, { start, size }, spacingOf(source.image.affine), spec.augment);
  const { image, labels } = warp(source.image, source.labels, box);
  alterIntensity(streams('intensity'), image, spec.augment.intensity);
  addNoise(streams('noise'), image, spec.augment.noise);
  return { shape: tensorShape(size, source.image.channels), image, labels };
}

/** Size along x, y, z of the samples of an image. */
export function sampleSize(imageSize: Triple, { patch_size: patch, divisor }: SampleSpec): Triple {
  if (patch === 'whole') return paddedSize(imageSize, divisor);
  const [x = 1, y = 1, z = 1] = patch;
  return [x, y, z];
}

/** The first voxel of the crop: around a voxel of a class that is drawn first, or anywhere. */
function drawStart(stream: RandomStream, source: Case, size: Triple, { patch_size, foreground }: SampleSpec): Triple {
  const [nx, ny] = source.image.size;
  const present = source.voxels.filter((list) => list.length > 0);
  const around = patch_size !== 'whole' && stream.next() < foreground && present.length > 0;
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
