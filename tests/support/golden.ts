import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { readSafetensors } from '../../src/checkpoint/safetensors.ts';
import { channelsLast } from '../../src/checkpoint/pytorchLayout.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Shape, Tensor } from '../../src/engine/tensor.ts';

export interface GoldenCase {
  readonly path: string;
  /** What the file says of itself. */
  readonly about: Readonly<Record<string, unknown>>;
  shape(name: string): Shape;
  floats(name: string): Float32Array;
  bytes(name: string): Uint8Array;
  doubles(name: string): Float64Array;
  /** An activation (batch, channel, …) as a tensor with its channels last. */
  activation(engine: Engine, name: string): Tensor;
}

/** A reference case of tests/fixtures/golden by its name. */
export async function goldenCase(name: string): Promise<GoldenCase> {
  const path = fileURLToPath(new URL(`../fixtures/golden/${name}.safetensors`, import.meta.url));
  const { metadata, tensors } = await readSafetensors(path);
  const floats = (tensor: string): Float32Array => tensors.get(tensor)!.values as Float32Array;
  const shape = (tensor: string): Shape => tensors.get(tensor)!.shape;
  return {
    path,
    about: JSON.parse(metadata.get('case')!) as Record<string, unknown>,
    shape,
    floats,
    bytes: (tensor) => tensors.get(tensor)!.values as Uint8Array,
    doubles: (tensor) => tensors.get(tensor)!.values as Float64Array,
    activation(engine, tensor) {
      const moved = channelsLast(floats(tensor), shape(tensor));
      return engine.tensor(moved.values, moved.shape);
    },
  };
}

/** max |a − b| and the largest excess over 5e-5 + 1e-3 · |b|, the tolerance of outputs and losses. */
export function outputError(actual: ArrayLike<number>, expected: ArrayLike<number>): { error: number; ratio: number } {
  let [error, ratio] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    error = Math.max(error, difference);
    ratio = Math.max(ratio, difference / (5e-5 + 1e-3 * Math.abs(expected[i]!)));
    if (Number.isNaN(difference)) return { error: Number.NaN, ratio: Number.NaN };
  }
  return { error, ratio };
}

export function expectOutput(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  expect(outputError(actual, expected).ratio).toBeLessThanOrEqual(1);
}

/** max |a − b| / max |b|; gradients agree up to 5e-3. */
export function gradientError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): { error: number; largest: number } {
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return { error: difference, largest };
}
