import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { sizeOf, type Tensor } from '../../src/engine/tensor.ts';
import { layersFor } from '../../src/layers/factory.ts';
import type { Kept, Layer } from '../../src/layers/layer.ts';
import { draw, fillStore, passOf } from './bench.ts';
import { layerCases } from './cases.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'tensorflow' });
});
afterAll(() => tf.disposeVariables());

/** The memory behind a handle: handles on the same values share it. */
const memoryOf = (tensor: Tensor): object => tensor.dataId;

/** What a training pass really keeps. */
function keptBy(layer: Layer, input: readonly number[]): Kept {
  const store = fillStore(engine, [layer]);
  const draws = Array.from({ length: input[0]! }, (_, sample) => `sample ${sample}`);
  const x = engine.tensor(draw('x', input), input);
  const { output, saved } = layer.forward(passOf(engine, store, { draws }), x);
  const [mine, theirs] = [memoryOf(x), memoryOf(output)];
  const own = new Map(saved.map((tensor) => [memoryOf(tensor), tensor]));
  const kept = { input: own.delete(mine), output: own.delete(theirs) };
  const bytes = [...own.values()].reduce(
    (sum, { shape, dtype }) => sum + sizeOf(shape) * (dtype === 'bool' ? 1 : 4),
    0,
  );
  [x, output, ...saved].forEach((tensor) => tensor.dispose());
  store.dispose();
  return { ...kept, bytes, passesThrough: mine === theirs };
}

const said = (layer: Layer, input: readonly number[]): Kept => ({ passesThrough: false, ...layer.kept(input) });

describe.each([2, 3] as const)('in %d dimensions, what a layer says that it keeps is what it keeps', (dims) => {
  test.each(layerCases(dims).filter(({ mode }) => mode !== 'evaluate'))('$title', ({ layer, input }) => {
    expect(said(layer, input)).toEqual(keptBy(layer, input));
  });

  const make = layersFor(dims);
  const input = [2, 4, 6, 2, 3].slice(0, dims + 1).concat(3);
  test.each([
    { title: 'dropout of values', layer: make.dropout('d', { rate: 0.5 }) },
    { title: 'dropout of channels', layer: make.dropout('d', { rate: 0.5, of: 'channels' }) },
    { title: 'dropout of nothing', layer: make.dropout('d', { rate: 0 }) },
    { title: 'upsampling by nothing', layer: make.upsample('u', { scale: 1 }) },
  ])('$title', ({ layer }) => {
    expect(said(layer, input)).toEqual(keptBy(layer, input));
  });
});
