import { describe, expect, it } from 'vitest';
import { mostLikely, planesOf, softmax } from '../../src/inference/planes.ts';

describe('the most likely class', () => {
  it('is that of the largest logit, the first of equals', () => {
    const labels = new Uint8Array(3);
    mostLikely(Float32Array.of(1, 3, 2, 5, 5, 0, -2, -3, -1), 3, labels);
    expect([...labels]).toEqual([1, 0, 2]);
  });
});

describe('probabilities', () => {
  it('add up to 1 and keep their order, however large the logits', () => {
    const logits = Float32Array.of(1, 2, 1000, 998, -1e30, 0);
    softmax(logits, 2);
    const expected = [1 / (1 + Math.E), Math.E / (1 + Math.E), 1 / (1 + Math.exp(-2)), 1 / (1 + Math.exp(2)), 0, 1];
    logits.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
  });
});

it('the planes of an image are cut out of a box around it', () => {
  // A box of 4 × 3 × 3 voxels and two classes, around an image of 2 × 2 × 2 that begins at (1, 0, 1) of it.
  const box = [4, 3, 3] as const;
  const values = Float32Array.from({ length: 72 }, (_, i) => i);
  const at = (x: number, y: number, z: number): number => 2 * (x + 4 * (y + 3 * z));
  const planes = [...planesOf(values, { start: [-1, 0, -1], box, size: [2, 2, 2], classes: 2 })].length;
  expect(planes).toBe(2);
  const copies: number[][] = [];
  for (const plane of planesOf(values, { start: [-1, 0, -1], box, size: [2, 2, 2], classes: 2 }))
    copies.push([plane.z, ...plane.values]);
  const expected = [0, 1].map((z) => [
    z,
    ...[at(1, 0, z + 1), at(2, 0, z + 1), at(1, 1, z + 1), at(2, 1, z + 1)].flatMap((first) => [first, first + 1]),
  ]);
  expect(copies).toEqual(expected);
});
