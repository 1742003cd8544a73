import { beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { layersFor } from '../../src/layers/factory.ts';
import { gradientsOf, initialStore } from './bench.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});

const layer = layersFor(2).batchNorm('n', { channels: 2 });
const vector = (...values: number[]) => engine.tensor(Float32Array.from(values), [values.length]);

test('gradients add up, have a norm, and are scaled together', () => {
  const before = engine.memory();
  const store = initialStore(engine, [layer]);
  expect(store.squaredNorm()).toBe(0);
  store.accumulate('n.weight', vector(1, 2));
  store.accumulate('n.weight', vector(2, 2));
  store.accumulate('n.bias', vector(0, 12));
  expect(store.squaredNorm()).toBe(9 + 16 + 144);
  store.scaleGradients(0.5);
  expect(gradientsOf(engine, store)).toEqual({ 'n.weight': [1.5, 2], 'n.bias': [0, 6] });
  store.clearGradients();
  expect(gradientsOf(engine, store)).toEqual({ 'n.weight': [], 'n.bias': [] });
  store.dispose();
  expect(engine.memory()).toEqual(before);
});

test('gradients that are added inside a tidy outlive it', () => {
  const store = initialStore(engine, [layer]);
  for (let i = 0; i < 2; i++)
    engine.tidy(() => store.accumulate('n.bias', engine.math.add(vector(1, 1), vector(i, 0))));
  expect(gradientsOf(engine, store)['n.bias']).toEqual([3, 2]);
  store.dispose();
});

test('an unknown name is told with the names that there are', () => {
  const store = initialStore(engine, [layer]);
  expect(() => store.get('m.weight')).toThrow('no parameter m.weight on this worker; it holds n.weight, n.bias');
  store.dispose();
});
