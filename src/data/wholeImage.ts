import { channelsFastest, tensorShape } from './channels.ts';
import { cropVolume, padVolume, paddedSize } from './pad.ts';
import type { Volume } from './volume.ts';

/** What the network asks of an image: sizes that are multiples of `divisor`, along all axes or, slice by slice, along x and y. */
export interface NetworkInput {
  readonly divisor: number;
  readonly spatialDims: 2 | 3;
}

/** An image as the network takes it whole: padded, (1, z, y, x, channels), or for a network of two axes (z, y, x, channels): its slices are the batch. */
export function wholeImage(
  image: Volume<Float32Array>,
  { divisor, spatialDims }: NetworkInput,
): { shape: readonly number[]; values: Float32Array } {
  const padded = padVolume(image, paddedSize(image.size, divisor, spatialDims));
  const shape = tensorShape(padded.size, padded.channels);
  return { shape: spatialDims === 2 ? shape : [1, ...shape], values: channelsFastest(padded) };
}

/** Slices of a micro-batch, where slices are the batch: enough to keep a device busy, few enough to be held. */
const SLICES = 16;

/** The micro-batches that a whole image goes through the network in. */
export const microBatchesOf = ({ size: [, , slices] }: Pick<Volume, 'size'>, { spatialDims }: NetworkInput): number[] =>
  spatialDims === 3
    ? [1]
    : Array.from({ length: Math.ceil(slices / SLICES) }, (_, i) => Math.min(SLICES, slices - i * SLICES));

/** The inverse for what came out of the micro-batches: label maps (z, y, x) of the padded image, on the grid of the image itself. */
export function labelsOf(
  image: Volume,
  { divisor, spatialDims }: NetworkInput,
  parts: readonly Uint8Array[],
): Volume<Uint8Array> {
  const values = parts.length === 1 ? parts[0]! : Uint8Array.from(Buffer.concat(parts));
  const size = paddedSize(image.size, divisor, spatialDims);
  const cropped = cropVolume({ size, channels: 1, values, affine: image.affine }, image.size);
  return { ...cropped, affine: image.affine };
}
