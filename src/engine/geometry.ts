import type { ConvolutionGeometry } from './engine.ts';
import type { Shape } from './tensor.ts';

/** A convolution or pooling of this shape cannot be computed. */
export class GeometryError extends Error {
  override readonly name = 'GeometryError';
}

/** One spatial axis of a convolution. */
interface Axis {
  readonly input: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

/** How far a dilated kernel reaches: (k − 1)·d + 1. */
const reach = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1;

/** ⌊(n + before + after − reach) / stride⌋ + 1. */
const outputOf = (a: Axis): number =>
  Math.floor((a.input + a.before + a.after - reach(a.kernel, a.dilation)) / a.stride) + 1;

/** Zeros behind the axis that a window really reads; the others of `after` lie beyond the last window. */
const readAfter = (a: Axis): number =>
  Math.max((outputOf(a) - 1) * a.stride + reach(a.kernel, a.dilation) - a.input - a.before, 0);

/** Spatial sizes that a convolution gives. */
export function convolutionSizes(spatial: Shape, kernel: Shape, geometry: ConvolutionGeometry): number[] {
  return axesOf(spatial, kernel, geometry).map(outputOf);
}

/**
 * How TensorFlow's two paddings express a geometry.
 * `explicit`: zeros are put around the input first, only those that are read, then `VALID`.
 */
export type PaddingPlan =
  | { readonly kind: 'VALID' | 'SAME' }
  | { readonly kind: 'explicit'; readonly pads: readonly (readonly [before: number, after: number])[] };

/**
 * TensorFlow's SAME gives ⌈n / s⌉ windows and puts ⌊total / 2⌋ zeros before the axis, where total is what the last window
 * lacks: the same as symmetric padding for stride 1 and odd kernels, but not for stride 2 on even sizes. Where the last window
 * lacks nothing and leaves input over, TensorFlow's 3D kernels for processors without oneDNN start at ⌊total / 2⌋ < 0 zeros
 * before, that is inside of the image.
 */
export function planPadding(spatial: Shape, kernel: Shape, geometry: ConvolutionGeometry): PaddingPlan {
  const axes = axesOf(spatial, kernel, geometry);
  const pads = axes.map((a) => [a.before, readAfter(a)] as const);
  if (pads.every(([before, after]) => before === 0 && after === 0)) return { kind: 'VALID' };
  const same = axes.every((a) => {
    const windows = Math.ceil(a.input / a.stride);
    const total = (windows - 1) * a.stride + reach(a.kernel, a.dilation) - a.input;
    return windows === outputOf(a) && total >= 0 && total >> 1 === a.before;
  });
  return same ? { kind: 'SAME' } : { kind: 'explicit', pads };
}

function axesOf(spatial: Shape, kernel: Shape, geometry: ConvolutionGeometry): Axis[] {
  const lists = [kernel, geometry.strides, geometry.dilations, geometry.padding];
  if (lists.some((list) => list.length !== spatial.length))
    throw new GeometryError(
      `${spatial.length} spatial axes (${spatial.join(' × ')}), but kernel, strides, dilations and padding have ` +
        `${lists.map((list) => list.length).join(', ')}: give one entry for each axis`,
    );
  return spatial.map((input, i) => {
    const [before, after] = geometry.padding[i]!;
    const axis = {
      input,
      kernel: kernel[i]!,
      stride: geometry.strides[i]!,
      dilation: geometry.dilations[i]!,
      before,
      after,
    };
    if (outputOf(axis) < 1)
      throw new GeometryError(
        `axis ${i} of size ${input} with padding ${before}, ${after} is smaller than the kernel's reach of ` +
          `${reach(axis.kernel, axis.dilation)} (size ${axis.kernel}, dilation ${axis.dilation}): take a larger input or padding`,
      );
    return axis;
  });
}
