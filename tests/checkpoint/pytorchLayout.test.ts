import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  channelsFirst,
  channelsLast,
  fromPytorch,
  pytorchShape,
  toPytorch,
} from '../../src/checkpoint/pytorchLayout.ts';
import { sizeOf } from '../../src/engine/tensor.ts';
import type { ParameterLayout } from '../../src/layers/parameter.ts';

const shapes = fc.oneof(
  fc.tuple(
    fc.constantFrom<ParameterLayout>('convolution', 'transposed'),
    fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 4, maxLength: 5 }),
  ),
  fc.tuple(
    fc.constant<ParameterLayout>('matrix'),
    fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 2 }),
  ),
  fc.tuple(
    fc.constant<ParameterLayout>('vector'),
    fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 1 }),
  ),
);

const counting = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => i);

test('a parameter comes back from the other layout as it was', () => {
  fc.assert(
    fc.property(shapes, ([layout, shape]) => {
      const values = counting(sizeOf(shape));
      expect(fromPytorch(layout, shape, toPytorch(layout, shape, values))).toEqual(values);
    }),
  );
});

test('the element (out, in, y, x) of a convolution lies at (y, x, in, out) with us', () => {
  const shape = [2, 3, 4, 5];
  const moved = toPytorch('convolution', shape, counting(120));
  expect(pytorchShape('convolution', shape)).toEqual([5, 4, 2, 3]);
  const at = (o: number, i: number, y: number, x: number): number => moved[((o * 4 + i) * 2 + y) * 3 + x]!;
  for (const [o, i, y, x] of [
    [0, 0, 0, 0],
    [4, 3, 1, 2],
    [1, 2, 0, 1],
    [3, 0, 1, 0],
  ] as const)
    expect(at(o, i, y, x)).toBe(((y * 3 + x) * 4 + i) * 5 + o);
});

test('a transposed convolution (in, out, …) lies as (…, out, in) with us', () => {
  expect(pytorchShape('transposed', [2, 2, 2, 8, 16])).toEqual([16, 8, 2, 2, 2]);
});

test('a matrix is transposed and a vector left alone', () => {
  expect(toPytorch('matrix', [2, 3], counting(6))).toEqual(Float32Array.of(0, 3, 1, 4, 2, 5));
  expect(pytorchShape('matrix', [2, 3])).toEqual([3, 2]);
  expect(toPytorch('vector', [3], counting(3))).toEqual(counting(3));
  expect(pytorchShape('vector', [3])).toEqual([3]);
});

test('activations move their channels and come back', () => {
  const last = channelsLast(counting(2 * 3 * 4 * 5), [2, 3, 4, 5]);
  expect(last.shape).toEqual([2, 4, 5, 3]);
  expect(last.values.slice(0, 4)).toEqual(Float32Array.of(0, 20, 40, 1));
  expect(channelsFirst(last.values, last.shape)).toEqual({ values: counting(120), shape: [2, 3, 4, 5] });
});
