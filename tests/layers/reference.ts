import * as tf from '@tensorflow/tfjs';

/**
 * Layers said once more in plain tfjs operations that its tape can differentiate: slow, and sharing nothing with the layers but
 * the definition. Convolutions are sums over the kernel's taps of products with 0/1 matrices that pick positions along one axis.
 */

/** matrix (to, from) applied along one axis of x. */
export function along(x: tf.Tensor, matrix: tf.Tensor2D, axis: number): tf.Tensor {
  const order = [...x.shape.keys()].filter((a) => a !== axis);
  const there = [axis, ...order];
  const moved = x.transpose(there);
  const rows = tf.matMul(matrix, moved.reshape<tf.Tensor2D>([x.shape[axis]!, -1]));
  const back = there.map((_, a) => there.indexOf(a));
  return rows.reshape([matrix.shape[0], ...moved.shape.slice(1)]).transpose(back);
}

/** (outputs, inputs): 1 where output o of a convolution reads input o·stride + tap·dilation − padding. */
function pick(inputs: number, outputs: number, start: number, stride: number): tf.Tensor2D {
  const rows = Array.from({ length: outputs }, (_, o) =>
    Array.from({ length: inputs }, (__, i) => (i === o * stride + start ? 1 : 0)),
  );
  return tf.tensor2d(rows, [outputs, inputs]);
}

/** All index tuples of a box: (2, 3) → [0,0], [0,1], … [1,2]. */
const tuples = (sizes: readonly number[]): number[][] =>
  sizes.reduce<number[][]>(
    (before, size) => before.flatMap((tuple) => Array.from({ length: size }, (_, i) => [...tuple, i])),
    [[]],
  );

interface Walk {
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number;
}

/** The channels of one tap: (…, a) → (…, b) by (a, b). */
const mix = (x: tf.Tensor, weight: tf.Tensor): tf.Tensor =>
  tf
    .matMul(x.reshape<tf.Tensor2D>([-1, x.shape.at(-1)!]), weight as tf.Tensor2D)
    .reshape([...x.shape.slice(0, -1), weight.shape[1]!]);

const tapOf = (filter: tf.Tensor, tap: readonly number[]): tf.Tensor =>
  filter
    .slice([...tap, 0, 0], [...tap.map(() => 1), filter.shape.at(-2)!, filter.shape.at(-1)!])
    .reshape(filter.shape.slice(-2));

/** Filter (…kernel, in, out). */
export function convolution(x: tf.Tensor, filter: tf.Tensor, { stride, dilation, padding }: Walk): tf.Tensor {
  const kernel = filter.shape.slice(0, -2);
  const size = (axis: number) =>
    Math.floor((x.shape[axis + 1]! + 2 * padding - dilation * (kernel[axis]! - 1) - 1) / stride) + 1;
  const terms = tuples(kernel).map((tap) => {
    const picked = tap.reduce(
      (y, k, axis) => along(y, pick(x.shape[axis + 1]!, size(axis), k * dilation - padding, stride), axis + 1),
      x,
    );
    return mix(picked, tapOf(filter, tap));
  });
  return tf.addN(terms);
}

/** Filter (…kernel, out, in): position i goes to i·stride + tap − padding. */
export function transposed(x: tf.Tensor, filter: tf.Tensor, stride: number, padding: number, extra: number): tf.Tensor {
  const kernel = filter.shape.slice(0, -2);
  const size = (axis: number) => (x.shape[axis + 1]! - 1) * stride - 2 * padding + kernel[axis]! + extra;
  const terms = tuples(kernel).map((tap) => {
    const spread = tap.reduce((y, k, axis) => {
      const matrix = pick(size(axis), x.shape[axis + 1]!, k - padding, stride);
      return along(y, matrix.transpose<tf.Tensor2D>(), axis + 1);
    }, x);
    return mix(spread, tapOf(filter, tap).transpose());
  });
  return tf.addN(terms);
}

/** Over the given axes of x, with the statistics of x itself. */
export function normalize(x: tf.Tensor, axes: number[]): tf.Tensor {
  const mean = x.mean(axes, true);
  const variance = x.sub(mean).square().mean(axes, true);
  return x.sub(mean).mul(variance.add(1e-5).rsqrt());
}

/** Every position of a window, as a list of (batch, …windows, channels). */
export const windowTaps = (x: tf.Tensor, kernel: number, stride: number): tf.Tensor[] => {
  const spatial = x.shape.slice(1, -1);
  return tuples(spatial.map(() => kernel)).map((tap) =>
    tap.reduce((y, k, axis) => {
      const windows = Math.floor((spatial[axis]! - kernel) / stride) + 1;
      return along(y, pick(spatial[axis]!, windows, k, stride), axis + 1);
    }, x),
  );
};

/** Doubles every axis linearly with the corners in place: from the definition, for each pair of positions. */
export function upsampled(x: tf.Tensor, scale: number): tf.Tensor {
  return x.shape.slice(1, -1).reduce((y, size, axis) => {
    const outputs = size * scale;
    const rows = Array.from({ length: outputs }, (_, o) => {
      const position = outputs > 1 ? (o * (size - 1)) / (outputs - 1) : 0;
      return Array.from({ length: size }, (__, i) => Math.max(0, 1 - Math.abs(position - i)));
    });
    return along(y, tf.tensor2d(rows, [outputs, size]), axis + 1);
  }, x);
}
