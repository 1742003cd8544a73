import type { Shape } from '../engine/tensor.ts';
import type { ParameterLayout } from '../layers/parameter.ts';

/*
 * Between PyTorch's layout (at the file boundary) and ours. Seen as three axes with the kernel's flattened into one, a filter
 * is (a, b, …kernel) in PyTorch and (…kernel, b, a) with us: a is out and b is in for a convolution, the other way round for
 * a transposed one. A matrix has a kernel of one element.
 */

/** The shape in PyTorch's layout of a parameter that has `shape` in ours. */
export const pytorchShape = (layout: ParameterLayout, shape: Shape): Shape =>
  layout === 'vector' ? shape : [shape.at(-1)!, shape.at(-2)!, ...shape.slice(0, -2)];

/** The values in PyTorch's layout of a parameter that has `shape` in ours. A new array, unless nothing has to move. */
export const toPytorch = (layout: ParameterLayout, shape: Shape, values: Float32Array): Float32Array => {
  if (layout === 'vector') return values;
  const [a, b, kernel] = filterAxes(shape);
  const out = new Float32Array(values.length);
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++) {
      const target = (i * b + j) * kernel;
      for (let k = 0; k < kernel; k++) out[target + k] = values[(k * b + j) * a + i]!;
    }
  return out;
};

/** The values in our layout of a parameter that has `shape` in ours, from PyTorch's. A new array, unless nothing has to move. */
export const fromPytorch = (layout: ParameterLayout, shape: Shape, values: Float32Array): Float32Array => {
  if (layout === 'vector') return values;
  const [a, b, kernel] = filterAxes(shape);
  const out = new Float32Array(values.length);
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++) {
      const source = (i * b + j) * kernel;
      for (let k = 0; k < kernel; k++) out[(k * b + j) * a + i] = values[source + k]!;
    }
  return out;
};

const filterAxes = (shape: Shape): [a: number, b: number, kernel: number] => [
  shape.at(-1)!,
  shape.at(-2)!,
  product(shape.slice(0, -2)),
];

/** An activation (batch, channel, …spatial) with its channels put last: (batch, …spatial, channel). */
export const channelsLast = (values: Float32Array, shape: Shape): { values: Float32Array; shape: Shape } => {
  const [batch, channels, ...spatial] = shape as readonly [number, number, ...number[]];
  return {
    values: transposeEach(values, batch, channels, product(spatial)),
    shape: [batch, ...spatial, channels],
  };
};

/** An activation (batch, …spatial, channel) with its channels put first: (batch, channel, …spatial). */
export const channelsFirst = (values: Float32Array, shape: Shape): { values: Float32Array; shape: Shape } => {
  const batch = shape[0]!;
  const spatial = shape.slice(1, -1);
  const channels = shape.at(-1)!;
  return {
    values: transposeEach(values, batch, product(spatial), channels),
    shape: [batch, channels, ...spatial],
  };
};

/** (batch, rows, columns) → (batch, columns, rows). */
const transposeEach = (values: Float32Array, batch: number, rows: number, columns: number): Float32Array => {
  const out = new Float32Array(values.length);
  for (let sample = 0; sample < batch; sample++) {
    const start = sample * rows * columns;
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        out[start + column * rows + row] = values[start + row * columns + column]!;
  }
  return out;
};

const product = (sizes: readonly number[]): number => sizes.reduce((result, size) => result * size, 1);
