import { describe, test } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { expectClose, expectNoLeak, randomArray, toTensor } from '../../support/arrays.ts';

export function activationTests(engine: () => Engine): void {
  describe.each([0, 0.01, 0.2])('leaky ReLU of slope %d', (slope) => {
    const shape = [2, 3, 4, 2, 3];
    const x = randomArray(shape, 1);
    x.values[0] = 0;
    const dy = randomArray(shape, 2);

    test('keeps what is positive and scales the rest', () => {
      expectNoLeak(engine(), () => {
        const tensor = toTensor(engine(), x);
        const expected = x.values.map((v) => (v > 0 ? v : slope * v));
        expectClose(engine(), engine().leakyRelu(tensor, slope), { shape, values: expected }, 1e-6);
        tensor.dispose();
      });
    });

    test('has the same gradient from its input and from its output; at zero it is the slope', () => {
      expectNoLeak(engine(), () => {
        const [tx, tdy] = [toTensor(engine(), x), toTensor(engine(), dy)];
        const y = engine().leakyRelu(tx, slope);
        const expected = { shape, values: dy.values.map((g, i) => (x.values[i]! > 0 ? g : slope * g)) };
        for (const sign of [tx, y]) expectClose(engine(), engine().leakyReluGradient(sign, tdy, slope), expected, 1e-6);
        for (const tensor of [tx, tdy, y]) tensor.dispose();
      });
    });
  });
}
