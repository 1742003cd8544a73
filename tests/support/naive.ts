import type { ConvolutionGeometry, PoolGeometry } from '../../src/engine/engine.ts';
import { sizeOf, type Shape } from '../../src/engine/tensor.ts';

/**
 * The slow and obvious definitions, in float64, that the engines are compared with. Arrays are row-major; `at` finds the
 * place of an index, or undefined outside of the array.
 */
export interface NdArray {
  readonly shape: Shape;
  readonly values: Float64Array;
}

export const zeros = (shape: Shape): NdArray => ({ shape, values: new Float64Array(sizeOf(shape)) });

export function at(array: NdArray, index: readonly number[]): number | undefined {
  if (index.some((i, axis) => i < 0 || i >= array.shape[axis]!)) return undefined;
  return index.reduce((place, i, axis) => place * array.shape[axis]! + i, 0);
}

/** Every index of a shape, in row-major order. */
export function* indices(shape: Shape): Generator<number[]> {
  for (let place = 0; place < sizeOf(shape); place++) {
    const index: number[] = [];
    let rest = place;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index.unshift(rest % shape[axis]!);
      rest = Math.floor(rest / shape[axis]!);
    }
    yield index;
  }
}

/** A sum over (input element, filter element, output element): convolution and its gradients read the same list. */
function* products(
  input: Shape,
  filter: Shape,
  geometry: ConvolutionGeometry,
): Generator<{ x: number; w: number; y: number }> {
  const output = convolvedShape(input, filter, geometry);
  const [x, w, y] = [zeros(input), zeros(filter), zeros(output)];
  for (const to of indices(output))
    for (const tap of indices(filter.slice(0, -1))) {
      const spatial = geometry.strides.map(
        (stride, a) => to[a + 1]! * stride + tap[a]! * geometry.dilations[a]! - geometry.padding[a]![0],
      );
      const from = at(x, [to[0]!, ...spatial, tap.at(-1)!]);
      if (from !== undefined) yield { x: from, w: at(w, [...tap, to.at(-1)!])!, y: at(y, to)! };
    }
}

export function convolvedShape(input: Shape, filter: Shape, geometry: ConvolutionGeometry): number[] {
  const spatial = geometry.strides.map((stride, a) => {
    const reach = (filter[a]! - 1) * geometry.dilations[a]! + 1;
    return Math.floor((input[a + 1]! + geometry.padding[a]![0] + geometry.padding[a]![1] - reach) / stride) + 1;
  });
  return [input[0]!, ...spatial, filter.at(-1)!];
}

export function convolve(x: NdArray, filter: NdArray, geometry: ConvolutionGeometry): NdArray {
  const y = zeros(convolvedShape(x.shape, filter.shape, geometry));
  for (const p of products(x.shape, filter.shape, geometry)) y.values[p.y]! += x.values[p.x]! * filter.values[p.w]!;
  return y;
}

export function convolveInputGradient(
  input: Shape,
  filter: NdArray,
  dy: NdArray,
  geometry: ConvolutionGeometry,
): NdArray {
  const dx = zeros(input);
  for (const p of products(input, filter.shape, geometry)) dx.values[p.x]! += dy.values[p.y]! * filter.values[p.w]!;
  return dx;
}

export function convolveFilterGradient(x: NdArray, filter: Shape, dy: NdArray, geometry: ConvolutionGeometry): NdArray {
  const dw = zeros(filter);
  for (const p of products(x.shape, filter, geometry)) dw.values[p.w]! += dy.values[p.y]! * x.values[p.x]!;
  return dw;
}

/** For every output element of a pooling the places of the input elements in its window. */
function windowsOf(input: Shape, geometry: PoolGeometry): { shape: number[]; windows: number[][] } {
  const spatial = geometry.sizes.map((size, a) => Math.floor((input[a + 1]! - size) / geometry.strides[a]!) + 1);
  const shape = [input[0]!, ...spatial, input.at(-1)!];
  const windows = [...indices(shape)].map((to) =>
    [...indices(geometry.sizes)].map((tap) =>
      at(zeros(input), [to[0]!, ...tap.map((t, a) => to[a + 1]! * geometry.strides[a]! + t), to.at(-1)!])!,
    ),
  );
  return { shape, windows };
}

export function maxPool(x: NdArray, geometry: PoolGeometry): NdArray {
  const { shape, windows } = windowsOf(x.shape, geometry);
  return {
    shape,
    values: Float64Array.from(windows, (window) => Math.max(...window.map((place) => x.values[place]!))),
  };
}

/** The first of the largest elements of a window takes its gradient. */
export function maxPoolGradient(x: NdArray, dy: NdArray, geometry: PoolGeometry): NdArray {
  const dx = zeros(x.shape);
  for (const [o, window] of windowsOf(x.shape, geometry).windows.entries()) {
    const largest = Math.max(...window.map((place) => x.values[place]!));
    dx.values[window.find((place) => x.values[place] === largest)!]! += dy.values[o]!;
  }
  return dx;
}

export function averagePool(x: NdArray, geometry: PoolGeometry): NdArray {
  const { shape, windows } = windowsOf(x.shape, geometry);
  return { shape, values: Float64Array.from(windows, (window) => mean(window.map((place) => x.values[place]!))) };
}

export function averagePoolGradient(input: Shape, dy: NdArray, geometry: PoolGeometry): NdArray {
  const dx = zeros(input);
  for (const [o, window] of windowsOf(input, geometry).windows.entries())
    for (const place of window) dx.values[place]! += dy.values[o]! / window.length;
  return dx;
}

/** Mean and biased variance of every channel (the last axis). */
export function moments(x: NdArray): { mean: number[]; variance: number[] } {
  const channels = x.shape.at(-1)!;
  const byChannel = Array.from({ length: channels }, (_, c) => [...x.values].filter((_, i) => i % channels === c));
  const means = byChannel.map(mean);
  return { mean: means, variance: byChannel.map((values, c) => mean(values.map((v) => (v - means[c]!) ** 2))) };
}

export function batchNorm(x: NdArray, scale: NdArray, offset: NdArray, epsilon: number): NdArray {
  const channels = x.shape.at(-1)!;
  const { mean: means, variance } = moments(x);
  const values = x.values.map((v, i) => {
    const c = i % channels;
    return ((v - means[c]!) / Math.sqrt(variance[c]! + epsilon)) * scale.values[c]! + offset.values[c]!;
  });
  return { shape: x.shape, values };
}

/** Central differences of Σ f(x)·dy: the gradient of anything. */
export function differences(f: (x: NdArray) => NdArray, x: NdArray, dy: NdArray, step = 1e-4): NdArray {
  const objective = (values: Float64Array) =>
    f({ shape: x.shape, values }).values.reduce((sum, v, i) => sum + v * dy.values[i]!, 0);
  const gradient = x.values.map(
    (v, i) => (objective(x.values.with(i, v + step)) - objective(x.values.with(i, v - step))) / (2 * step),
  );
  return { shape: x.shape, values: gradient };
}

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
