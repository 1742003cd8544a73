import { beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { layersFor } from '../../src/layers/factory.ts';
import {
  backwardInputSequence,
  backwardSequence,
  backwardWeightsSequence,
  disposeHeld,
  disposeSaved,
  endMiniBatch,
  forwardSequence,
  sequenceOperations,
  sequenceOutputShape,
} from '../../src/layers/sequence.ts';
import { draw, fillStore, gradientsOf, parameterValues, passOf, valuesOf } from './bench.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});

const make = layersFor(2);
const layers = [
  make.convolution('c1', { inChannels: 2, outChannels: 4, kernel: 3, padding: 1 }),
  make.batchNorm('n', { channels: 4 }),
  make.leakyRelu('a'),
  make.dropout('d', { rate: 0.2 }),
  make.convolution('c2', { inChannels: 4, outChannels: 3, kernel: 3, stride: 2, padding: 1 }),
];
const shape = [2, 6, 5, 2];
const draws = ['a', 'b'];

const image = () => engine.tensor(draw('x', shape), shape);
const upstream = (of: readonly number[]) => engine.tensor(draw('dy', of), of);

test('the halves of the backward pass give what the whole gives, and nothing is left behind', () => {
  const before = engine.memory();
  const outcomes = [false, true].map((halves) => {
    const store = fillStore(engine, layers);
    const pass = passOf(engine, store, { draws });
    const x = image();
    const { output, saved } = forwardSequence(pass, layers, x);
    x.dispose();
    const dy = upstream(output.shape);
    const first = halves ? backwardInputSequence(pass, layers, saved, dy) : undefined;
    if (first) backwardWeightsSequence(pass, first.held);
    const dx = first?.input ?? backwardSequence(pass, layers, saved, dy)!;
    const outcome = { y: valuesOf(engine, output), dx: valuesOf(engine, dx), gradients: gradientsOf(engine, store) };
    store.dispose();
    return outcome;
  });
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(engine.memory()).toEqual(before);
});

test('without the gradient of the input, those of the parameters are the same', () => {
  const before = engine.memory();
  const outcomes = [true, false].map((needInput) => {
    const store = fillStore(engine, layers);
    const pass = passOf(engine, store, { draws });
    const x = image();
    const { output, saved } = forwardSequence(pass, layers, x);
    const dx = backwardSequence(pass, layers, saved, upstream(output.shape), { needInput });
    expect(dx === undefined).toBe(!needInput);
    const gradients = gradientsOf(engine, store);
    [x, output].forEach((tensor) => tensor.dispose());
    dx?.dispose();
    store.dispose();
    return gradients;
  });
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(engine.memory()).toEqual(before);
});

test('what is not needed any more is let go of', () => {
  const store = fillStore(engine, layers);
  const pass = passOf(engine, store, { draws });
  const x = image();
  const before = engine.memory();
  const one = forwardSequence(pass, layers, x);
  one.output.dispose();
  disposeSaved(one.saved);
  expect(engine.memory()).toEqual(before);
  const two = forwardSequence(pass, layers, x);
  const { input, held } = backwardInputSequence(pass, layers, two.saved, upstream(two.output.shape));
  two.output.dispose();
  input.dispose();
  disposeHeld(held);
  store.clearGradients();
  expect(engine.memory()).toEqual(before);
  x.dispose();
  store.dispose();
});

test('a pass that keeps nothing holds nothing', () => {
  const store = fillStore(engine, layers);
  const x = image();
  const before = engine.memory();
  const { output, saved } = forwardSequence(passOf(engine, store, { draws, keep: false }), layers, x);
  output.dispose();
  expect(saved).toEqual(layers.map(() => []));
  expect(engine.memory()).toEqual(before);
  x.dispose();
  store.dispose();
});

test('a layer that fails leaves nothing behind', () => {
  const store = fillStore(engine, layers);
  const x = image();
  const before = engine.memory();
  expect(() => forwardSequence(passOf(engine, store, { draws: [] }), layers, x)).toThrow('d: 0 draws');
  expect(engine.memory()).toEqual(before);
  x.dispose();
  store.dispose();
});

test('no layers at all pass everything through', () => {
  const before = engine.memory();
  const store = fillStore(engine, []);
  const x = image();
  const { output, saved } = forwardSequence(passOf(engine, store), [], x);
  const dx = backwardSequence(passOf(engine, store), [], saved, output)!;
  expect(valuesOf(engine, dx)).toEqual(valuesOf(engine, x));
  expect(engine.memory()).toEqual(before);
});

test('convolution, normalization and leaky ReLU keep two arrays of their output size, and no third', () => {
  const chain = layers.slice(0, 3);
  const store = fillStore(engine, chain);
  const x = image();
  const { output, saved } = forwardSequence(passOf(engine, store), chain, x);
  // Handles on the same values are counted once: the convolution's output, for the normalization, and the last output.
  const large = saved.flat().filter((tensor) => tensor.size === output.size);
  expect(new Set([...large, output].map((tensor) => tensor.dataId)).size).toBe(2);
  disposeSaved(saved);
  [x, output].forEach((tensor) => tensor.dispose());
  store.dispose();
});

test('the end of a mini-batch reaches every normalization', () => {
  const store = fillStore(engine, layers);
  const pass = passOf(engine, store, { draws, batchNorm: 'deferred', keep: false });
  const start = parameterValues(engine, store, 'n.running_mean');
  const x = image();
  const { output } = forwardSequence(pass, layers, x);
  expect(parameterValues(engine, store, 'n.running_mean')).toEqual(start);
  endMiniBatch(pass, layers);
  expect(parameterValues(engine, store, 'n.running_mean')).not.toEqual(start);
  [x, output].forEach((tensor) => tensor.dispose());
  store.dispose();
});

test('shapes and costs are known without running', () => {
  expect(sequenceOutputShape(layers, shape)).toEqual([2, 3, 3, 3]);
  expect(sequenceOperations(layers, shape)).toBe(
    layers[0]!.operations(shape) + layers.slice(1).reduce((sum, layer) => sum + layer.operations([2, 6, 5, 4]), 0),
  );
});
