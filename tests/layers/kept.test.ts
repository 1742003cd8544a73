import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { sizeOf, type Tensor } from '../../src/engine/tensor.ts';
import { layersFor } from '../../src/layers/factory.ts';
import type { Kept, Layer } from '../../src/layers/layer.ts';
import { startMemoryMeter } from '../support/memoryMeter.ts';
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

/** The most bytes alive in a training pass forward, and in the one back, with all that goes in and comes out. */
function peaksOf(layer: Layer, input: readonly number[]): { forward: number; backward: number } {
  const store = fillStore(engine, [layer]);
  const draws = Array.from({ length: input[0]! }, (_, sample) => `sample ${sample}`);
  const pass = passOf(engine, store, { draws });
  const meter = startMemoryMeter();
  try {
    const x = engine.tensor(draw('x', input), input);
    const { output, saved } = layer.forward(pass, x);
    x.dispose();
    const forward = meter.takePeak();
    const dy = engine.tensor(draw('dy', output.shape), output.shape);
    output.dispose();
    meter.takePeak();
    const dx = layer.backwardInput(pass, saved, dy);
    layer.backwardWeights(pass, saved, dy);
    [dx, dy, ...saved].forEach((tensor) => tensor.dispose());
    return { forward, backward: meter.takePeak() };
  } finally {
    meter.stop();
    store.dispose();
  }
}

const channels = 8;
const make = layersFor(3);
const bytesOf = (shape: readonly number[]): number => 4 * sizeOf(shape);

describe.each([1, 3])('with %d samples, what a layer takes for a moment is about what it says', (batch) => {
  test.each<Layer>([
    make.convolution('strided convolution', { inChannels: channels, outChannels: 4, kernel: 3, stride: 2, padding: 1 }),
    make.convolution('convolution', { inChannels: channels, outChannels: channels, kernel: 3, padding: 'same' }),
    make.transposedConvolution('transposed', { inChannels: channels, outChannels: 4, kernel: 2, stride: 2 }),
    make.batchNorm('batch normalization', { channels }),
    make.instanceNorm('instance normalization', { channels }),
    make.groupNorm('group normalization', { channels, groups: 4 }),
    make.leakyRelu('leaky ReLU'),
    make.parametricRelu('parametric ReLU'),
    make.sigmoid('sigmoid'),
    make.maxPool('max pooling', { kernel: 2 }),
    make.maxPool('overlapping max pooling', { kernel: 3, stride: 1 }),
    make.averagePool('average pooling', { kernel: 2 }),
    make.maxAveragePool('max and average pooling', { kernel: 2 }),
    make.squeezeExcite('squeeze-excite', {
      ...{ channels, reduction: 2, residual: true },
      ...{ hidden: 'leaky_relu', gate: 'relu' },
    }),
    make.parallelConvolutions(
      'convolutions side by side',
      [1, 2, 4].map((dilation) => ({ inChannels: channels, outChannels: 4, kernel: 3, dilation, padding: 'same' })),
    ),
    make.upsample('upsampling'),
    make.dropout('dropout', { rate: 0.5 }),
  ])('$name', (layer) => {
    const input = [batch, 16, 16, 16, channels];
    peaksOf(layer, input);
    const measured = peaksOf(layer, input);
    const kept = layer.kept(input);
    const [x, y] = [bytesOf(input), bytesOf(layer.outputShape(input))];
    const held = (kept.input ? x : 0) + (kept.output ? y : 0) + kept.bytes;
    const { forward, backward } = layer.scratch?.(input) ?? { forward: 0, backward: 0 };
    expect(Math.abs((x + y + kept.bytes + forward) / measured.forward - 1), 'forward').toBeLessThan(0.1);
    expect(Math.abs((held + x + y + backward) / measured.backward - 1), 'backward').toBeLessThan(0.1);
  });
});
