import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { layersFor } from '../../src/layers/factory.ts';
import { interpolationMatrix } from '../../src/layers/interpolation.ts';
import { ParameterStore } from '../../src/layers/parameterStore.ts';
import { passOf, valuesOf } from './bench.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});

const lengths = fc.integer({ min: 1, max: 40 });

test('each row of the interpolation is a mean of two neighbours, with the corners in place', () => {
  fc.assert(
    fc.property(lengths, lengths, (inputs, outputs) => {
      const matrix = interpolationMatrix(inputs, outputs);
      for (let o = 0; o < outputs; o++) {
        const row = Array.from(matrix.subarray(o * inputs, (o + 1) * inputs));
        expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
        expect(row.filter((weight) => weight !== 0).length).toBeLessThanOrEqual(2);
        expect(Math.min(...row)).toBeGreaterThanOrEqual(0);
      }
      expect(matrix[0]).toBe(1);
      expect(matrix.at(outputs > 1 ? -1 : 0)).toBe(1);
    }),
  );
});

test('a ramp stays a ramp between the same ends', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 2, max: 40 }), (inputs, outputs) => {
      const matrix = interpolationMatrix(inputs, outputs);
      for (let o = 0; o < outputs; o++) {
        const value = Array.from(matrix.subarray(o * inputs, (o + 1) * inputs)).reduce((sum, w, i) => sum + w * i, 0);
        expect(value).toBeCloseTo((o * (inputs - 1)) / (outputs - 1), 4);
      }
    }),
  );
});

test('a plane is doubled as PyTorch doubles it with aligned corners', () => {
  const x = engine.tensor(Float32Array.from([0, 3, 6, 9]), [1, 2, 2, 1]);
  const { output } = layersFor(2)
    .upsample('u')
    .forward(passOf(engine, new ParameterStore(engine)), x);
  x.dispose();
  expect(output.shape).toEqual([1, 4, 4, 1]);
  const rows = [0, 1, 2, 3].flatMap((i) => [0, 1, 2, 3].map((j) => 2 * i + j));
  valuesOf(engine, output).forEach((value, i) => expect(value).toBeCloseTo(rows[i]!, 5));
});
