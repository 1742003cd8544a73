import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import type { Shape } from '../../../src/engine/tensor.ts';
import { expectClose, expectNoLeak, randomArray, toTensor } from '../../support/arrays.ts';
import * as naive from '../../support/naive.ts';

const EPSILON = 1e-5;

export function normalizationTests(engine: () => Engine): void {
  describe.each([2, 3] as const)('batch normalization over %i spatial axes', (dims) => {
    test('normalizes with the statistics of the batch, and says them with the biased variance', () => {
      fc.assert(
        fc.property(shapes(dims), fc.nat(), (shape, seed) => {
          const { x, scale, offset } = inputs(shape, seed);
          const { mean, variance } = naive.moments(x);
          expectNoLeak(engine(), () => {
            const tensors = [x, scale, offset].map((array) => toTensor(engine(), array));
            const result = engine().batchNorm(tensors[0]!, tensors[1]!, tensors[2]!, EPSILON);
            expectClose(engine(), result.output, naive.batchNorm(x, scale, offset, EPSILON), 1e-3);
            expectClose(engine(), result.mean, { shape: scale.shape, values: Float64Array.from(mean) });
            expectClose(engine(), result.variance, { shape: scale.shape, values: Float64Array.from(variance) });
            for (const tensor of [...tensors, ...result.saved]) tensor.dispose();
          });
        }),
        { numRuns: 30 },
      );
    });

    test('has the gradients that finite differences give', () => {
      fc.assert(
        fc.property(shapes(dims), fc.nat(), (shape, seed) => {
          const { x, scale, offset, dy } = inputs(shape, seed);
          expectNoLeak(engine(), () => {
            const tensors = [x, scale, offset, dy].map((array) => toTensor(engine(), array));
            const [tx, ts, to, tdy] = tensors as [
              (typeof tensors)[0],
              (typeof tensors)[0],
              (typeof tensors)[0],
              (typeof tensors)[0],
            ];
            const { output, mean, variance, saved } = engine().batchNorm(tx, ts, to, EPSILON);
            const gradient = engine().batchNormGradient(tx, tdy, ts, saved, EPSILON);
            const along = (f: (array: naive.NdArray) => naive.NdArray, array: naive.NdArray) =>
              naive.differences(f, array, dy);
            expectClose(
              engine(),
              gradient.input,
              along((a) => naive.batchNorm(a, scale, offset, EPSILON), x),
              1e-2,
            );
            expectClose(
              engine(),
              gradient.scale,
              along((a) => naive.batchNorm(x, a, offset, EPSILON), scale),
              1e-3,
            );
            expectClose(
              engine(),
              gradient.offset,
              along((a) => naive.batchNorm(x, scale, a, EPSILON), offset),
              1e-3,
            );
            for (const tensor of [...tensors, output, mean, variance, ...saved]) tensor.dispose();
          });
        }),
        { numRuns: 15 },
      );
    });

    test('normalizes with given statistics', () => {
      const shape = [2, ...[3, 4, 2].slice(0, dims), 3];
      const { x, scale, offset } = inputs(shape, 5);
      const mean = randomArray([3], 6);
      const variance = { shape: [3], values: Float64Array.of(0.5, 2, 0.01) };
      const expected = x.values.map((v, i) => {
        const c = i % 3;
        const root = Math.sqrt(variance.values[c]! + EPSILON);
        return ((v - mean.values[c]!) / root) * scale.values[c]! + offset.values[c]!;
      });
      expectNoLeak(engine(), () => {
        const [a, b, c, d, e] = [x, scale, offset, mean, variance].map((array) => toTensor(engine(), array));
        expectClose(engine(), engine().batchNormInference(a!, b!, c!, d!, e!, EPSILON), { shape, values: expected });
        for (const tensor of [a, b, c, d, e]) tensor!.dispose();
      });
    });
  });
}

/** At least four values a channel: with fewer the normalized values are ±1 whatever the input. */
const shapes = (dims: 2 | 3): fc.Arbitrary<Shape> =>
  fc
    .tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: dims, maxLength: dims }),
      fc.integer({ min: 1, max: 4 }),
    )
    .map(([batch, spatial, channels]) => [batch, ...spatial, channels])
    .filter((shape) => shape.slice(0, -1).reduce((product, size) => product * size, 1) >= 4);

function inputs(shape: Shape, seed: number) {
  const channels = [shape.at(-1)!];
  return {
    x: randomArray(shape, seed),
    scale: randomArray(channels, seed + 1),
    offset: randomArray(channels, seed + 2),
    dy: randomArray(shape, seed + 3),
  };
}
