import type { ConvolutionGeometry } from '../engine.ts';
import { convolutionSizes } from '../geometry.ts';
import { sizeOf, type Shape, type Tensor } from '../tensor.ts';
import type { Convolution } from './nativeConvolution.ts';
import type { Runtime } from './runtime.ts';

/** With more positions than this, in or out, the convolution kernels are as fast. */
const FEW_POSITIONS = 64;
/** Fewer weights than this are reordered in no time. */
const MANY_WEIGHTS = 2 ** 18;
/** Finding the columns takes positions / output channels of the time of the convolution itself: it must stay a small part. */
const CHANNELS_PER_POSITION = 4;

/**
 * Whether a convolution is better computed as products of matrices. A convolution of kernel 1 is one. And oneDNN lays the
 * weights out anew for every call, which takes longer than the convolution itself where they are many and the positions few:
 * on two cores 512 → 512 channels at 2³ take 3.5 ms in place of 19, forward and both gradients.
 */
export function suitsMatrices(input: Shape, filter: Shape, geometry: ConvolutionGeometry): boolean {
  if (isPointwise(filter, geometry)) return true;
  const [from, channels] = [sizeOf(input.slice(1, -1)), filter.at(-1)!];
  if (sizeOf(filter) < MANY_WEIGHTS || input[0]! * from > FEW_POSITIONS) return false;
  if (channels < CHANNELS_PER_POSITION * from) return false;
  return input[0]! * sizeOf(outputOf(input, filter, geometry)) <= FEW_POSITIONS;
}

/**
 * Convolution by products of matrices (im2col). With a matrix S of zeros and ones, in which row (o, k) has its one at the input
 * position o·stride + k·dilation − padding that tap k of window o reads, the columns are C = S·x, of (windows, taps · in), and
 *
 *     y = C·w,   dw = Cᵀ·dy,   dx = Sᵀ·(dy·wᵀ)
 */
export function matrixConvolution(r: Runtime): Convolution {
  const selections = new Map<string, Tensor>();

  /** S, (windows · taps, positions): made once for each geometry, and kept. Undefined where C = x. */
  const selectionFor = (input: Shape, filter: Shape, geometry: ConvolutionGeometry): Tensor | undefined => {
    if (isPointwise(filter, geometry)) return undefined;
    const key = JSON.stringify([input.slice(1, -1), filter.slice(0, -2), geometry]);
    const known = selections.get(key);
    if (known) return known;
    const made = r.own(selection(r, input, filter, geometry));
    selections.set(key, made);
    return made;
  };

  const columns = (x: Tensor, filter: Shape, geometry: ConvolutionGeometry): Tensor => {
    const chosen = selectionFor(x.shape, filter, geometry);
    const rows = chosen ? batched(r, chosen, asRows(r, x), false) : x;
    return r.tf.reshape(rows, [-1, sizeOf(filter.slice(0, -1))]);
  };

  return {
    convolve: (x, filter, geometry) =>
      r.tf.tidy(() => {
        const y = product(r, columns(x, filter.shape, geometry), asMatrix(r, filter));
        return r.tf.reshape(y, [x.shape[0], ...outputOf(x.shape, filter.shape, geometry), filter.shape.at(-1)!]);
      }),

    convolveInputGradient: (inputShape, filter, dy, geometry) =>
      r.tf.tidy(() => {
        const gradient = product(r, asMatrix(r, dy), asMatrix(r, filter), { transposeB: true });
        const chosen = selectionFor(inputShape, filter.shape, geometry);
        const rows = [inputShape[0]!, -1, inputShape.at(-1)!];
        const dx = chosen ? batched(r, chosen, r.tf.reshape(gradient, rows), true) : gradient;
        return r.tf.reshape(dx, [...inputShape]);
      }),

    convolveFilterGradient: (x, filterShape, dy, geometry) =>
      r.tf.tidy(() => {
        const dw = product(r, columns(x, filterShape, geometry), asMatrix(r, dy), { transposeA: true });
        return r.tf.reshape(dw, [...filterShape]);
      }),
  };
}

function isPointwise(filter: Shape, { strides, padding }: ConvolutionGeometry): boolean {
  const one = (size: number): boolean => size === 1;
  return filter.slice(0, -2).every(one) && strides.every(one) && padding.flat().every((side) => side === 0);
}

const outputOf = (input: Shape, filter: Shape, geometry: ConvolutionGeometry): number[] =>
  convolutionSizes(input.slice(1, -1), filter.slice(0, -2), geometry);

function selection(r: Runtime, input: Shape, filter: Shape, geometry: ConvolutionGeometry): Tensor {
  const [spatial, kernel] = [input.slice(1, -1), filter.slice(0, -2)];
  const windows = outputOf(input, filter, geometry);
  const [rows, positions] = [sizeOf(windows) * sizeOf(kernel), sizeOf(spatial)];
  const ones = new Float32Array(rows * positions);
  for (let row = 0; row < rows; row++) {
    const tap = placeOf(row % sizeOf(kernel), kernel);
    const window = placeOf(Math.floor(row / sizeOf(kernel)), windows);
    const read = spatial.map(
      (_, axis) =>
        window[axis]! * geometry.strides[axis]! + tap[axis]! * geometry.dilations[axis]! - geometry.padding[axis]![0],
    );
    if (read.some((place, axis) => place < 0 || place >= spatial[axis]!)) continue;
    ones[row * positions + read.reduce((index, place, axis) => index * spatial[axis]! + place, 0)] = 1;
  }
  return r.tf.tensor2d(ones, [rows, positions]);
}

/** The place along every axis of the index-th position of a box. */
function placeOf(index: number, sizes: Shape): number[] {
  let rest = index;
  return sizes
    .toReversed()
    .map((size) => {
      const place = rest % size;
      rest = Math.floor(rest / size);
      return place;
    })
    .toReversed();
}

/** (…, channels) → (all others, channels). */
const asMatrix = (r: Runtime, x: Tensor): Tensor => r.tf.reshape(x, [-1, x.shape.at(-1)!]);

/** (batch, …spatial, channels) → (batch, positions, channels). */
const asRows = (r: Runtime, x: Tensor): Tensor => r.tf.reshape(x, [x.shape[0], -1, x.shape.at(-1)!]);

/** Not `MatMul`: its oneDNN kernel cannot bear signals (see Runtime), and is no faster. */
function product(
  r: Runtime,
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false }: { transposeA?: boolean; transposeB?: boolean } = {},
): Tensor {
  return r.run('BatchMatMulV2', [r.float, r.bool('adj_x', transposeA), r.bool('adj_y', transposeB)], [a, b]);
}

/** The same matrix, or its transpose, times each sample's. */
function batched(r: Runtime, matrix: Tensor, samples: Tensor, transpose: boolean): Tensor {
  const right = samples.shape[0] === 1 ? asMatrix(r, samples) : samples;
  return product(r, matrix, right, { transposeA: transpose });
}
