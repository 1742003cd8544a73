import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { layersFor } from '../../src/layers/factory.ts';
import type { Dropout } from '../../src/layers/dropout.ts';
import type { Pass } from '../../src/layers/layer.ts';
import { ParameterStore } from '../../src/layers/parameterStore.ts';
import { passOf, valuesOf } from './bench.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});

const make = layersFor(3);
const pass = (draws: readonly string[], changes: Partial<Pass> = {}) =>
  passOf(engine, new ParameterStore(engine), { draws, ...changes });

/** What comes out of an input of ones. */
function drop(layer: Dropout, shape: readonly number[], at: Pass): number[] {
  const x = engine.math.ones([...shape]);
  const { output, saved } = layer.forward(at, x);
  [x, ...saved].forEach((tensor) => tensor.dispose());
  return valuesOf(engine, output);
}

const shape = [2, 4, 5, 6, 3];

test('a sample loses the same values on recomputation', () => {
  const layer = make.dropout('d', { rate: 0.4 });
  const draws = ['step 3, sample 7', 'step 3, sample 8'];
  expect(drop(layer, shape, pass(draws, { recomputing: true, keep: true }))).toEqual(
    drop(layer, shape, pass(draws, { keep: false })),
  );
});

test('what a sample loses depends on neither its micro-batch nor its place there', () => {
  const layer = make.dropout('d', { rate: 0.4 });
  const half = shape.slice(1).reduce((a, b) => a * b);
  const together = drop(layer, shape, pass(['a', 'b']));
  expect(drop(layer, [1, ...shape.slice(1)], pass(['b']))).toEqual(together.slice(half));
  expect(drop(layer, shape, pass(['b', 'a']))).toEqual([...together.slice(half), ...together.slice(0, half)]);
});

test('other steps and other layers lose other values', () => {
  const [one, two] = [make.dropout('one', { rate: 0.5 }), make.dropout('two', { rate: 0.5 })];
  expect(drop(one, shape, pass(['a', 'b']))).not.toEqual(drop(two, shape, pass(['a', 'b'])));
  expect(drop(one, shape, pass(['a', 'b']))).not.toEqual(drop(one, shape, pass(['c', 'b'])));
});

test('the share of lost values is the rate, and the rest makes up for it', () => {
  const rate = 0.3;
  const values = drop(make.dropout('d', { rate }), [4, 20, 20, 20, 2], pass(['a', 'b', 'c', 'd']));
  expect(new Set(values.map((value) => value.toFixed(4)))).toEqual(new Set(['0.0000', (1 / 0.7).toFixed(4)]));
  const lost = values.filter((value) => value === 0).length / values.length;
  // Four standard deviations of a share of 64,000 draws.
  expect(Math.abs(lost - rate)).toBeLessThan(4 * Math.sqrt((rate * (1 - rate)) / values.length));
});

test('dropout of channels loses all or nothing of a channel', () => {
  const channels = 64;
  const values = drop(make.dropout('d', { rate: 0.5, of: 'channels' }), [1, 2, 2, 2, channels], pass(['a']));
  const first = values.slice(0, channels);
  expect(new Set(first)).toEqual(new Set([0, 2]));
  for (let position = 1; position < 8; position++)
    expect(values.slice(position * channels, (position + 1) * channels)).toEqual(first);
});

describe.each(['values', 'channels'] as const)('dropout of %s', (of) => {
  test('the gradient passes where the value did, and nothing is left behind', () => {
    const layer = make.dropout('d', { rate: 0.5, of });
    const before = engine.memory();
    const x = engine.math.ones(shape);
    const at = pass(['a', 'b']);
    const { output, saved } = layer.forward(at, x);
    const dx = layer.backwardInput(at, saved, x);
    expect(valuesOf(engine, dx)).toEqual(valuesOf(engine, output));
    [x, ...saved].forEach((tensor) => tensor.dispose());
    expect(engine.memory()).toEqual(before);
  });
});

test.each([
  ['in evaluation', 0.5, { mode: 'evaluate' }],
  ['at a rate of 0', 0, {}],
] as const)('nothing is lost %s', (_, rate, changes) => {
  const layer = make.dropout('d', { rate });
  const before = engine.memory();
  const x = engine.math.ones(shape);
  const at = pass([], changes);
  const { output, saved } = layer.forward(at, x);
  expect(saved).toEqual([]);
  expect(new Set(engine.read(output))).toEqual(new Set([1]));
  const dx = layer.backwardInput(at, saved, output);
  expect(new Set(engine.read(dx))).toEqual(new Set([1]));
  [x, output, dx].forEach((tensor) => tensor.dispose());
  expect(engine.memory()).toEqual(before);
});

test('a rate outside [0, 1) and a missing draw are told', () => {
  expect(() => make.dropout('d', { rate: 1 })).toThrow('d: dropout rate 1 must be 0 or more and less than 1');
  expect(() => drop(make.dropout('d', { rate: 0.5 }), [2, 1, 1, 1, 1], pass(['a']))).toThrow(
    'd: 1 draws for a micro-batch of 2',
  );
});
