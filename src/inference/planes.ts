import type { FinishedPlane } from './slidingWindow/stitcher.ts';
import type { Triple } from './slidingWindow/windows.ts';

/**
 * The planes of an image in a network's output (z, y, x, classes) of a box around it: `start` is the box's first voxel in the
 * image's indices. One plane at a time is copied.
 */
export function* planesOf(
  values: Float32Array,
  { start, box, size, classes }: { start: Triple; box: Triple; size: Triple; classes: number },
): Generator<FinishedPlane> {
  const plane = new Float32Array(size[0] * size[1] * classes);
  const row = size[0] * classes;
  for (let z = Math.max(0, start[2]); z < Math.min(size[2], start[2] + box[2]); z++) {
    for (let y = 0; y < size[1]; y++) {
      const from = classes * (-start[0] + box[0] * (y - start[1] + box[1] * (z - start[2])));
      plane.set(values.subarray(from, from + row), y * row);
    }
    yield { z, values: plane };
  }
}

/** Writes the most likely class of every voxel, the first where two are as likely. `logits` are (voxels, classes). */
export function mostLikely(logits: Float32Array, classes: number, labels: Uint8Array): void {
  for (let i = 0, at = 0; i < labels.length; i++, at += classes) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[at + c]! > logits[at + best]!) best = c;
    labels[i] = best;
  }
}

/** exp(x) / Σ exp(x) over the classes of every voxel, in place; shifted by the largest, so that nothing overflows. */
export function softmax(logits: Float32Array, classes: number): void {
  for (let at = 0; at < logits.length; at += classes) {
    let largest = -Infinity;
    for (let c = 0; c < classes; c++) largest = Math.max(largest, logits[at + c]!);
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += logits[at + c] = Math.exp(logits[at + c]! - largest);
    for (let c = 0; c < classes; c++) logits[at + c]! /= sum;
  }
}
