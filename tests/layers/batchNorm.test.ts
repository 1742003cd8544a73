import { beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { layersFor } from '../../src/layers/factory.ts';
import type { Pass } from '../../src/layers/layer.ts';
import type { ParameterStore } from '../../src/layers/parameterStore.ts';
import { initialStore, parameterValues, passOf } from './bench.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});

const layer = layersFor(2).batchNorm('n', { channels: 2 });

/** Micro-batches of (1, 2, 2, 2): channel 0 and channel 1 take turns. */
const first = [1, 10, 2, 20, 3, 30, 4, 40];
const second = [5, 50, 5, 50, 9, 90, 9, 90];

function forward(pass: Pass, values: readonly number[]): void {
  const x = engine.tensor(Float32Array.from(values), [values.length / 8, 2, 2, 2]);
  const { output, saved } = layer.forward(pass, x);
  [x, output, ...saved].forEach((tensor) => tensor.dispose());
}

const running = (store: ParameterStore) => ({
  mean: parameterValues(engine, store, 'n.running_mean'),
  variance: parameterValues(engine, store, 'n.running_var'),
});

const near = (numbers: readonly number[]) => numbers.map((x) => expect.closeTo(x, 3) as number);

test('each micro-batch moves the running statistics by a tenth, with the unbiased variance', () => {
  const store = initialStore(engine, [layer]);
  forward(passOf(engine, store), first);
  // Σ (x − 2.5)² = 5 over 4 values: unbiased 5/3.
  expect(running(store)).toEqual({
    mean: near([0.25, 2.5]),
    variance: near([0.9 + 0.1 * (5 / 3), 0.9 + 0.1 * (500 / 3)]),
  });
  forward(passOf(engine, store), second);
  expect(running(store)).toEqual({
    mean: near([0.9 * 0.25 + 0.7, 0.9 * 2.5 + 7]),
    variance: near([0.9 * (0.9 + 0.5 / 3) + 0.1 * (16 / 3), 0.9 * (0.9 + 50 / 3) + 0.1 * (1600 / 3)]),
  });
  store.dispose();
});

test('deferred statistics are taken once, from the whole mini-batch, with the biased variance', () => {
  const store = initialStore(engine, [layer]);
  const pass = passOf(engine, store, { batchNorm: 'deferred' });
  forward(pass, first);
  forward(pass, second);
  expect(running(store)).toEqual({ mean: [0, 0], variance: [1, 1] });
  layer.endMiniBatch(pass);
  // All eight values of channel 0: mean 4.75, Σ (x − 4.75)² = 242 − 8 · 4.75² = 61.5.
  const expected = {
    mean: near([0.475, 4.75]),
    variance: near([0.9 + 0.1 * (61.5 / 8), 0.9 + 0.1 * (6150 / 8)]),
  };
  expect(running(store)).toEqual(expected);
  layer.endMiniBatch(pass);
  expect(running(store)).toEqual(expected);
  store.dispose();
});

test('deferred statistics weigh uneven micro-batches by their size', () => {
  const whole = initialStore(engine, [layer]);
  const parts = initialStore(engine, [layer]);
  const deferred = (store: ParameterStore) => passOf(engine, store, { batchNorm: 'deferred' });
  const third = second.map((x) => x * x);
  forward(deferred(whole), [...first, ...second, ...third]);
  forward(deferred(parts), [...first, ...second]);
  forward(deferred(parts), third);
  for (const store of [whole, parts]) layer.endMiniBatch(deferred(store));
  const [a, b] = [running(whole), running(parts)];
  a.mean.forEach((x, i) => expect(b.mean[i]! / x).toBeCloseTo(1, 5));
  a.variance.forEach((x, i) => expect(b.variance[i]! / x).toBeCloseTo(1, 5));
  [whole, parts].forEach((store) => store.dispose());
});

test.each(['micro', 'deferred'] as const)('a recomputation counts for nothing (%s)', (batchNorm) => {
  const store = initialStore(engine, [layer]);
  const pass = passOf(engine, store, { batchNorm });
  forward(pass, first);
  layer.endMiniBatch(pass);
  const before = running(store);
  forward({ ...pass, recomputing: true }, second);
  layer.endMiniBatch(pass);
  expect(running(store)).toEqual(before);
  store.dispose();
});

test('a large mean does not drown a small variance in deferred statistics', () => {
  const store = initialStore(engine, [layer]);
  const pass = passOf(engine, store, { batchNorm: 'deferred' });
  const far = [1, 1, -1, -1, 1, 1, -1, -1].map((x) => 1000 + x);
  forward(pass, far);
  forward(pass, far);
  layer.endMiniBatch(pass);
  expect(running(store).variance).toEqual([1, 1].map((x) => expect.closeTo(x, 2) as number));
  store.dispose();
});

test('evaluation uses the running statistics and leaves them alone', () => {
  const store = initialStore(engine, [layer]);
  forward(passOf(engine, store), first);
  const before = running(store);
  const x = engine.tensor(Float32Array.from([1, 1]), [1, 1, 1, 2]);
  const { output } = layer.forward(passOf(engine, store, { mode: 'evaluate', keep: false }), x);
  const expected = [0, 1].map((c) => (1 - before.mean[c]!) / Math.sqrt(before.variance[c]! + 1e-5));
  expect(Array.from(engine.read(output))).toEqual(near(expected));
  expect(running(store)).toEqual(before);
  [x, output].forEach((tensor) => tensor.dispose());
  store.dispose();
});

test('statistics that were gathered and never taken go with the store', () => {
  const before = engine.memory();
  const store = initialStore(engine, [layer]);
  forward(passOf(engine, store, { batchNorm: 'deferred' }), first);
  store.dispose();
  expect(engine.memory()).toEqual(before);
});

test('one value a channel has no variance to train with', () => {
  const store = initialStore(engine, [layer]);
  const x = engine.tensor(Float32Array.from([1, 1]), [1, 1, 1, 2]);
  expect(() => layer.forward(passOf(engine, store), x)).toThrow(/n cannot take .*\(1, 1, 1, 2\).*more than one value/);
  x.dispose();
  store.dispose();
});
