import fc from 'fast-check';
import { expect, test } from 'vitest';
import { layersFor } from '../../src/layers/factory.ts';
import type { Layer } from '../../src/layers/layer.ts';
import { LayerShapeError } from '../../src/layers/layerShapeError.ts';

const [two, three] = [layersFor(2), layersFor(3)];

/** The error that a layer throws for an input. */
function errorOf(layer: Layer, input: readonly number[]): LayerShapeError {
  try {
    layer.outputShape(input);
  } catch (error) {
    if (error instanceof LayerShapeError) return error;
    throw error;
  }
  throw new Error(`${layer.name} took (${input.join(', ')})`);
}

test('an input that does not fit is told with the layer, the shape and what would fit', () => {
  const layer = three.convolution('stem.conv', { inChannels: 4, outChannels: 2, kernel: 3 });
  const error = errorOf(layer, [2, 8, 8, 8, 3]);
  expect(error).toMatchObject({ layer: 'stem.conv', got: [2, 8, 8, 8, 3] });
  expect(error.message).toBe(
    'stem.conv cannot take an array of shape (2, 8, 8, 8, 3): it expects (batch, depth, height, width, 4 channels)',
  );
});

test('two dimensions are not three, and no layer takes an empty batch', () => {
  const cases: [Layer, number[]][] = [
    [two.convolution('a', { inChannels: 1, outChannels: 1, kernel: 1 }), [1, 4, 4, 4, 1]],
    [three.transposedConvolution('a', { inChannels: 1, outChannels: 1, kernel: 2 }), [1, 4, 4, 1]],
    [three.batchNorm('a', { channels: 2 }), [1, 4, 4, 2]],
    [two.instanceNorm('a', { channels: 2 }), [1, 4, 4, 3]],
    [two.groupNorm('a', { channels: 2, groups: 1 }), [1, 4, 4, 3]],
    [two.leakyRelu('a'), [4, 4]],
    [two.parametricRelu('a', { slopes: 3 }), [1, 4, 4, 2]],
    [three.sigmoid('a'), [1, 4, 4, 1]],
    [three.maxPool('a', { kernel: 2 }), [1, 4, 4, 1]],
    [three.upsample('a'), [1, 4, 4, 1]],
    [three.dropout('a', { rate: 0.5 }), [0, 4, 4, 4, 1]],
  ];
  for (const [layer, input] of cases) expect(errorOf(layer, input).expected).toContain('(batch, ');
});

test('an image smaller than the kernel or the window is told, with the least that fits', () => {
  const convolution = two.convolution('c', { inChannels: 1, outChannels: 1, kernel: 3, dilation: 2, padding: 1 });
  expect(errorOf(convolution, [1, 2, 9, 1]).expected).toBe('spatial sizes of at least 3 × 3');
  expect(convolution.outputShape([1, 3, 9, 1])).toEqual([1, 1, 7, 1]);
  expect(errorOf(two.maxPool('p', { kernel: [2, 3] }), [1, 2, 2, 1]).expected).toBe('spatial sizes of at least 2 × 3');
});

test('sizes are rounded down as in PyTorch', () => {
  const options = { inChannels: 1, outChannels: 1, kernel: 3, stride: 2, padding: 1 };
  const sizes = [5, 6, 7, 8].map((size) => two.convolution('c', options).outputShape([1, size, size, 1])[1]);
  expect(sizes).toEqual([3, 3, 4, 4]);
  expect(two.averagePool('p', { kernel: 2 }).outputShape([1, 5, 7, 3])).toEqual([1, 2, 3, 3]);
});

test('a transposed convolution undoes the sizes of its convolution', () => {
  const walk = { kernel: fc.integer({ min: 1, max: 4 }), stride: fc.integer({ min: 1, max: 3 }) };
  const sizes = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }));
  fc.assert(
    fc.property(sizes, fc.record(walk), ([height, width], options) => {
      const channels = { inChannels: 2, outChannels: 2 };
      const spread = two.transposedConvolution('t', { ...channels, ...options }).outputShape([1, height, width, 2]);
      expect(two.convolution('c', { ...channels, ...options }).outputShape(spread)).toEqual([1, height, width, 2]);
    }),
  );
});

test('the same padding keeps every size', () => {
  const layer = three.convolution('c', {
    inChannels: 1,
    outChannels: 1,
    kernel: [1, 3, 5],
    dilation: 2,
    padding: 'same',
  });
  expect(layer.outputShape([1, 9, 9, 9, 1])).toEqual([1, 9, 9, 9, 1]);
});

test('options that cannot be are told with the layer, the value and what is allowed', () => {
  const channels = { inChannels: 1, outChannels: 1 };
  expect(() => two.convolution('c', { ...channels, kernel: [3, 3, 3] })).toThrow(
    'c: kernel [3,3,3] must be a whole number of at least 1, or 2 of them',
  );
  expect(() => two.convolution('c', { ...channels, kernel: 3, stride: 0 })).toThrow('c: stride 0 must be');
  expect(() => two.convolution('c', { ...channels, kernel: 2, padding: 'same' })).toThrow(
    'needs an odd kernel, not 2 × 2',
  );
  expect(() => two.convolution('c', { inChannels: 0, outChannels: 1, kernel: 1 })).toThrow('input channels is 0');
  expect(() => two.transposedConvolution('t', { ...channels, kernel: 3, outputPadding: 1 })).toThrow(
    'less than the stride',
  );
  expect(() => two.groupNorm('g', { channels: 6, groups: 4 })).toThrow('6 channels cannot be cut into 4 equal groups');
  expect(() => two.leakyRelu('a', { slope: -1 })).toThrow('slope -1 must be 0 or more');
});

test('parameters carry the names, layouts and starts of PyTorch', () => {
  const convolution = three.convolution('a.conv', { inChannels: 2, outChannels: 4, kernel: 3 });
  expect(convolution.parameters).toMatchObject([
    { name: 'a.conv.weight', shape: [3, 3, 3, 2, 4], layout: 'convolution', initializer: { kind: 'he', fanIn: 54 } },
    { name: 'a.conv.bias', shape: [4], layout: 'vector', initializer: { kind: 'constant', value: 0 } },
  ]);
  const transposed = two.transposedConvolution('up', {
    inChannels: 8,
    outChannels: 4,
    kernel: 2,
    stride: 2,
    bias: false,
  });
  expect(transposed.parameters).toMatchObject([
    { name: 'up.weight', shape: [2, 2, 4, 8], layout: 'transposed', initializer: { kind: 'he', fanIn: 16 } },
  ]);
  const names = two.batchNorm('bn', { channels: 3 }).parameters.map(({ name, role }) => [name, role]);
  expect(names).toEqual([
    ['bn.weight', 'parameter'],
    ['bn.bias', 'parameter'],
    ['bn.running_mean', 'buffer'],
    ['bn.running_var', 'buffer'],
  ]);
});

test('the cost of a convolution is two operations for each weight and output position', () => {
  const options = { inChannels: 3, outChannels: 5, kernel: 3, padding: 1, bias: false };
  expect(two.convolution('c', options).operations([2, 8, 8, 3])).toBe(2 * 64 * 2 * 9 * 3 * 5);
  const transposed = two.transposedConvolution('t', {
    inChannels: 3,
    outChannels: 5,
    kernel: 2,
    stride: 2,
    bias: false,
  });
  expect(transposed.operations([2, 8, 8, 3])).toBe(2 * 64 * 2 * 4 * 3 * 5);
});
