import { cutWindow } from '../../data/cutWindow.ts';
import type { Volume } from '../../data/volume.ts';
import { importanceOf } from '../../inference/slidingWindow/importance.ts';
import { Stitcher } from '../../inference/slidingWindow/stitcher.ts';
import { planWindows, type Triple } from '../../inference/slidingWindow/windows.ts';
import { compareElements, DIRECT, type Comparison } from './compare.ts';
import { tensorOf, type ReferenceCase, type SlidingWindowCase } from './referenceCase.ts';

const CLASSES = 2;

/** Windows over one image (1, 1, …spatial), with a predictor that anybody can compute; its output is (1, 2, …spatial). */
export function runSlidingWindowCase(reference: ReferenceCase, description: SlidingWindowCase): Comparison[] {
  const { shape, values } = tensorOf(reference, 'input');
  const size = turned(shape.slice(2), 1);
  const volume: Volume = { size, channels: 1, values: values as Float32Array, affine: IDENTITY };
  const got = slide(volume, description);
  return [compareElements('output', [{ name: 'output', got, expected: tensorOf(reference, 'output').values }], DIRECT)];
}

function slide(volume: Volume, { roi_size, overlap, mode, ...others }: SlidingWindowCase): Float32Array {
  const { size } = volume;
  // A size that is not positive is the image's own, as in MONAI.
  const asked = typeof roi_size === 'number' ? size.map((length) => (length > 1 ? roi_size : 1)) : turned(roi_size, 1);
  const roi = asked.map((length, axis) => (length > 0 ? length : size[axis]!)) as unknown as Triple;
  const overlaps = typeof overlap === 'number' ? ([overlap, overlap, overlap] as const) : turned(overlap, 0);
  const windows = planWindows(size, roi, overlaps);
  const importance = importanceOf(roi, { blend: mode, sigma_scale: others.sigma_scale });
  const stitcher = new Stitcher(windows, CLASSES, importance);
  const plane = size[0] * size[1];
  const output = new Float32Array(CLASSES * plane * size[2]);
  for (const start of windows.starts) {
    const window = cutWindow(volume, start, roi, { mode: others.padding_mode, value: others.cval });
    for (const { z, values } of stitcher.add(predict(window)))
      for (let i = 0; i < plane; i++)
        for (let c = 0; c < CLASSES; c++) output[i + plane * (z + size[2] * c)] = values[CLASSES * i + c]!;
  }
  return output;
}

/** Channel 0: 2x + 1; channel 1: the mean of the window. Channels last. */
function predict(window: Float32Array): Float32Array {
  const mean = window.reduce((sum, value) => sum + value, 0) / window.length;
  const output = new Float32Array(CLASSES * window.length);
  for (let i = 0; i < window.length; i++) {
    output[CLASSES * i] = 2 * window[i]! + 1;
    output[CLASSES * i + 1] = mean;
  }
  return output;
}

/** (d, h, w) or (h, w) along x, y, z: a volume has its first axis fastest, a tensor its last. */
const turned = (sizes: readonly number[], missing: number): Triple => {
  const [x = missing, y = missing, z = missing] = sizes.toReversed();
  return [x, y, z];
};

const IDENTITY: Volume['affine'] = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
];
