import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Engine, PoolGeometry } from '../../../src/engine/engine.ts';
import type { Shape } from '../../../src/engine/tensor.ts';
import { expectClose, expectNoLeak, randomArray, toTensor } from '../../support/arrays.ts';
import * as naive from '../../support/naive.ts';

export function poolingTests(engine: () => Engine): void {
  describe.each([2, 3] as const)('pooling over %i spatial axes', (dims) => {
    test('takes the largest and the mean of every window, and spreads gradients the same way', () => {
      fc.assert(
        fc.property(cases(dims), ({ input, geometry, seed }) => {
          const x = randomArray(input, seed);
          const largest = naive.maxPool(x, geometry);
          const dy = randomArray(largest.shape, seed + 1);
          expectNoLeak(engine(), () => {
            const [tx, tdy] = [toTensor(engine(), x), toTensor(engine(), dy)];
            const y = engine().maxPool(tx, geometry);
            const dx = engine().maxPoolGradient(tx, y, tdy, geometry);
            expectClose(engine(), dx, naive.maxPoolGradient(x, dy, geometry));
            expectClose(engine(), y, largest, 1e-6);
            expectClose(engine(), engine().averagePool(tx, geometry), naive.averagePool(x, geometry));
            const spread = engine().averagePoolGradient(input, tdy, geometry);
            expectClose(engine(), spread, naive.averagePoolGradient(input, dy, geometry));
            tx.dispose();
            tdy.dispose();
          });
        }),
        { numRuns: 60 },
      );
    });

    test('gives the gradient of a window to the first of equal elements', () => {
      fc.assert(
        fc.property(cases(dims), ({ input, geometry, seed }) => {
          const few = randomArray(input, seed).values.map(Math.round);
          const x = { shape: input, values: few };
          const dy = randomArray(naive.maxPool(x, geometry).shape, seed + 1);
          expectNoLeak(engine(), () => {
            const [tx, tdy] = [toTensor(engine(), x), toTensor(engine(), dy)];
            const y = engine().maxPool(tx, geometry);
            const dx = engine().maxPoolGradient(tx, y, tdy, geometry);
            expectClose(engine(), dx, naive.maxPoolGradient(x, dy, geometry));
            for (const tensor of [tx, tdy, y]) tensor.dispose();
          });
        }),
        { numRuns: 60 },
      );
    });
  });
}

/** Windows that overlap, touch, or leave voxels out. */
function cases(dims: 2 | 3): fc.Arbitrary<{ input: Shape; geometry: PoolGeometry; seed: number }> {
  const axis = fc
    .record({
      size: fc.integer({ min: 1, max: 6 }),
      window: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 3 }),
    })
    .filter(({ size, window }) => window <= size);
  return fc
    .tuple(fc.array(axis, { minLength: dims, maxLength: dims }), fc.integer({ min: 1, max: 2 }), fc.nat())
    .map(([axes, channels, seed]) => ({
      input: [2, ...axes.map((a) => a.size), channels],
      geometry: { sizes: axes.map((a) => a.window), strides: axes.map((a) => a.stride) },
      seed,
    }));
}
