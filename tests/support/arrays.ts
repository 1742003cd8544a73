import { expect } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { sizeOf, type Shape, type Tensor } from '../../src/engine/tensor.ts';
import type { NdArray } from './naive.ts';

/** Numbers in [−1, 1) that a seed fixes (mulberry32), exact in float32. */
export function randomArray(shape: Shape, seed: number): NdArray {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
  return { shape, values: Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(next())) };
}

export const toTensor = (engine: Engine, array: NdArray): Tensor =>
  engine.tensor(Float32Array.from(array.values), array.shape);

/** Compares a tensor with the reference, element by element, and disposes it. */
export function expectClose(engine: Engine, tensor: Tensor, reference: NdArray, tolerance = 1e-4): void {
  const values = engine.read(tensor);
  expect(tensor.shape).toEqual([...reference.shape]);
  tensor.dispose();
  const worst = reference.values.reduce(
    (largest, expected, i) => Math.max(largest, Math.abs(expected - values[i]!) / (1 + Math.abs(expected))),
    0,
  );
  expect(values.some(Number.isNaN)).toBe(false);
  expect(worst).toBeLessThan(tolerance);
}

/** Runs `body` and expects as many live tensors and bytes after it as before. */
export function expectNoLeak(engine: Engine, body: () => void): void {
  const before = engine.memory();
  body();
  expect(engine.memory()).toEqual(before);
}
