import { channelsFastest, tensorShape } from './channels.ts';
import { cropVolume, padVolume, paddedSize } from './pad.ts';
import type { Volume } from './volume.ts';

/** An image as the network takes it whole: padded to multiples of `divisor`, (z, y, x, channels). */
export function wholeImage(
  image: Volume<Float32Array>,
  divisor: number,
): { shape: readonly number[]; values: Float32Array } {
  const padded = padVolume(image, paddedSize(image.size, divisor));
  return { shape: tensorShape(padded.size, padded.channels), values: channelsFastest(padded) };
}

/** The inverse for what came out: a label map (z, y, x) of the padded image, on the grid of the image itself. */
export function labelsOf(image: Volume, divisor: number, values: Uint8Array): Volume<Uint8Array> {
  const size = paddedSize(image.size, divisor);
  const cropped = cropVolume({ size, channels: 1, values, affine: image.affine }, image.size);
  return { ...cropped, affine: image.affine };
}
