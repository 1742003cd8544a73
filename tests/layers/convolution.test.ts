import { beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { layersFor } from '../../src/layers/factory.ts';
import { backwardSequence, forwardSequence } from '../../src/layers/sequence.ts';
import { draw, fillStore, gradientsOf, passOf } from './bench.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'tensorflow' });
});

const make = layersFor(3);
const input = [2, 8, 8, 8, 3];

/** The gradients of a convolution before a batch normalization. */
function gradientsWith(bias: true | 'cancelled'): Record<string, number[]> {
  const layers = [
    make.convolution('c', { inChannels: 3, outChannels: 4, kernel: 3, padding: 1, bias }),
    make.batchNorm('n', { channels: 4 }),
  ];
  const store = fillStore(engine, layers);
  const x = engine.tensor(draw('x', input), input);
  const { output, saved } = forwardSequence(passOf(engine, store), layers, x);
  const dy = engine.tensor(draw('dy', output.shape), output.shape);
  backwardSequence(passOf(engine, store), layers, saved, dy, { needInput: false });
  const gradients = gradientsOf(engine, store);
  [x, output].forEach((tensor) => tensor.dispose());
  store.dispose();
  return gradients;
}

test('a bias that batch normalization cancels has a gradient of 0, where computing it gives rounding', () => {
  const [computed, said] = [gradientsWith(true), gradientsWith('cancelled')];
  const largest = Math.max(...said['c.weight']!.map(Math.abs));
  expect(said['c.bias']).toEqual([0, 0, 0, 0]);
  for (const noise of computed['c.bias']!) expect(Math.abs(noise)).toBeLessThan(1e-5 * largest);
  const { 'c.bias': _, ...others } = said;
  expect(computed).toMatchObject(others);
});
