import * as tf from '@tensorflow/tfjs';
import { layersFor } from '../../src/layers/factory.ts';
import type { SpatialDims } from '../../src/layers/geometry.ts';
import type { Layer } from '../../src/layers/layer.ts';
import { convolution, normalize, transposed, upsampled, windowTaps } from './reference.ts';

/** One layer, an input for it, and the same layer in plain tfjs operations. */
export interface LayerCase {
  readonly title: string;
  readonly layer: Layer;
  readonly input: readonly number[];
  /** `parameters` in the order of the layer's specs. */
  readonly reference: (x: tf.Tensor, parameters: readonly tf.Tensor[]) => tf.Tensor;
  /** `distinct`: no two values are alike and none is near 0, for layers with kinks. */
  readonly values?: 'normal' | 'distinct';
  readonly mode?: 'evaluate';
}

const spatialAxes = (dims: SpatialDims) => Array.from({ length: dims }, (_, axis) => axis + 1);

const convolutionCases = (dims: SpatialDims): LayerCase[] => {
  const make = layersFor(dims);
  const odd = [2, 5, 7, 4].slice(0, dims + 1);
  const of = (
    title: string,
    kernel: number,
    stride: number,
    dilation: number,
    padding: number,
    bias: boolean,
  ): LayerCase => ({
    title: `convolution ${title}`,
    layer: make.convolution('c', { inChannels: 2, outChannels: 3, kernel, stride, dilation, padding, bias }),
    input: [...odd, 2],
    reference: (x, [w, b]) => {
      const y = convolution(x, w!, { stride, dilation, padding });
      return bias ? y.add(b!) : y;
    },
  });
  return [
    of('of 3, padded', 3, 1, 1, 1, true),
    of('of 3, padded, with stride 2 on odd and even sizes', 3, 2, 1, 1, true),
    of('of 1 without bias', 1, 1, 1, 0, false),
    of('of 3, unpadded', 3, 1, 1, 0, true),
    of('of 3, dilated and padded', 3, 1, 2, 2, true),
    of('of 2 with stride 2, which leaves the last of an odd size', 2, 2, 1, 0, false),
    of('of 3 with padding of 2', 3, 2, 1, 2, true),
  ];
};

const transposedCases = (dims: SpatialDims): LayerCase[] => {
  const of = (
    title: string,
    kernel: number,
    stride: number,
    padding = 0,
    outputPadding = 0,
    bias = true,
  ): LayerCase => ({
    title: `transposed convolution ${title}`,
    layer: layersFor(dims).transposedConvolution('t', {
      inChannels: 3,
      outChannels: 2,
      kernel,
      stride,
      padding,
      outputPadding,
      bias,
    }),
    input: [2, ...[3, 2, 3].slice(0, dims), 3],
    reference: (x, [w, b]) => {
      const y = transposed(x, w!, stride, padding, outputPadding);
      return bias ? y.add(b!) : y;
    },
  });
  return [
    of('of 2 with stride 2', 2, 2),
    of('of 2 with stride 2 without bias', 2, 2, 0, 0, false),
    of('of 3 with stride 2 and padding', 3, 2, 1, 1),
    of('of 3 with stride 1', 3, 1),
  ];
};

const normalizationCases = (dims: SpatialDims): LayerCase[] => {
  const make = layersFor(dims);
  const input = [3, ...[4, 3, 2].slice(0, dims), 4];
  const axes = spatialAxes(dims);
  const affine = (x: tf.Tensor, w?: tf.Tensor, b?: tf.Tensor) => x.mul(w!).add(b!);
  const group =
    (groups: number) =>
    (x: tf.Tensor, [w, b]: readonly tf.Tensor[]) => {
      const grouped = x.reshape([...x.shape.slice(0, -1), groups, 4 / groups]);
      return affine(normalize(grouped, [...axes, dims + 2]).reshape(x.shape), w, b);
    };
  return [
    {
      title: 'batch normalization',
      layer: make.batchNorm('n', { channels: 4 }),
      input,
      reference: (x, [w, b]) => affine(normalize(x, [0, ...axes]), w, b),
    },
    {
      title: 'batch normalization in evaluation',
      layer: make.batchNorm('n', { channels: 4 }),
      input,
      mode: 'evaluate',
      reference: (x, [w, b, mean, variance]) => affine(x.sub(mean!).mul(variance!.add(1e-5).rsqrt()), w, b),
    },
    {
      title: 'instance normalization',
      layer: make.instanceNorm('n', { channels: 4 }),
      input,
      reference: (x) => normalize(x, axes),
    },
    {
      title: 'instance normalization with scale and offset',
      layer: make.instanceNorm('n', { channels: 4, affine: true }),
      input,
      reference: (x, [w, b]) => affine(normalize(x, axes), w, b),
    },
    {
      title: 'instance normalization of one sample',
      layer: make.instanceNorm('n', { channels: 4, affine: true }),
      input: [1, ...input.slice(1)],
      reference: (x, [w, b]) => affine(normalize(x, axes), w, b),
    },
    ...[1, 2, 4].map((groups) => ({
      title: `group normalization of ${groups} groups`,
      layer: make.groupNorm('n', { channels: 4, groups }),
      input,
      reference: group(groups),
    })),
  ];
};

const activationCases = (dims: SpatialDims): LayerCase[] => {
  const make = layersFor(dims);
  const input = [2, ...[3, 4, 2].slice(0, dims), 3];
  const leaky = (slope: tf.Tensor | number) => (x: tf.Tensor) => x.relu().sub(x.neg().relu().mul(slope));
  return [
    { title: 'leaky ReLU', layer: make.leakyRelu('a'), input, reference: leaky(0.01), values: 'distinct' },
    {
      title: 'leaky ReLU of another slope',
      layer: make.leakyRelu('a', { slope: 0.3 }),
      input,
      reference: leaky(0.3),
      values: 'distinct',
    },
    { title: 'ReLU', layer: make.relu('a'), input, reference: (x) => x.relu(), values: 'distinct' },
    {
      title: 'PReLU of one slope',
      layer: make.parametricRelu('a'),
      input,
      reference: (x, [a]) => leaky(a!)(x),
      values: 'distinct',
    },
    {
      title: 'PReLU of a slope for each channel',
      layer: make.parametricRelu('a', { slopes: 3 }),
      input,
      reference: (x, [a]) => leaky(a!)(x),
      values: 'distinct',
    },
    { title: 'sigmoid', layer: make.sigmoid('a'), input, reference: (x) => x.sigmoid() },
  ];
};

const resizingCases = (dims: SpatialDims): LayerCase[] => {
  const make = layersFor(dims);
  const input = [2, ...[5, 4, 6].slice(0, dims), 2];
  const largest = (taps: tf.Tensor[]) => taps.reduce((a, b) => tf.maximum(a, b));
  const mean = (taps: tf.Tensor[]) => tf.addN(taps).div<tf.Tensor>(taps.length);
  return [
    {
      title: 'max pooling that leaves the last of an odd size',
      layer: make.maxPool('p', { kernel: 2 }),
      input,
      reference: (x) => largest(windowTaps(x, 2, 2)),
      values: 'distinct',
    },
    {
      title: 'max pooling of windows that overlap',
      layer: make.maxPool('p', { kernel: 3, stride: 1 }),
      input,
      reference: (x) => largest(windowTaps(x, 3, 1)),
      values: 'distinct',
    },
    {
      title: 'average pooling that leaves the last of an odd size',
      layer: make.averagePool('p', { kernel: 2 }),
      input,
      reference: (x) => mean(windowTaps(x, 2, 2)),
    },
    {
      title: 'average pooling of windows that overlap',
      layer: make.averagePool('p', { kernel: 3, stride: 2 }),
      input,
      reference: (x) => mean(windowTaps(x, 3, 2)),
    },
    {
      title: 'max and average pooling side by side',
      layer: make.maxAveragePool('p', { kernel: 2 }),
      input,
      reference: (x) => tf.concat([largest(windowTaps(x, 2, 2)), mean(windowTaps(x, 2, 2))], -1),
      values: 'distinct',
    },
    { title: 'linear upsampling', layer: make.upsample('u'), input, reference: (x) => upsampled(x, 2) },
    {
      title: 'linear upsampling of an axis of one',
      layer: make.upsample('u', { scale: 3 }),
      input: [1, ...[1, 3, 2].slice(0, dims), 2],
      reference: (x) => upsampled(x, 3),
    },
  ];
};

const compositeCases = (dims: SpatialDims): LayerCase[] => {
  const make = layersFor(dims);
  const input = [2, ...[5, 4, 6].slice(0, dims), 4];
  const linear = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D).add(b);
  const leaky = (x: tf.Tensor) => x.relu().sub(x.neg().relu().mul(0.01));
  const gate = (x: tf.Tensor, [w0, b0, w2, b2]: readonly tf.Tensor[], inner: typeof leaky, outer: typeof leaky) => {
    const hidden = inner(linear(x.mean(spatialAxes(dims)), w0!, b0!));
    return outer(linear(hidden, w2!, b2!)).reshape([2, ...spatialAxes(dims).map(() => 1), 4]);
  };
  const branch = { inChannels: 4, padding: 'same' } as const;
  return [
    {
      title: 'squeeze-excite',
      layer: make.squeezeExcite('s', {
        ...{ channels: 4, reduction: 2, residual: false },
        ...{ hidden: 'relu', gate: 'sigmoid' },
      }),
      input,
      reference: (x, p) =>
        x.mul(
          gate(
            x,
            p,
            (h) => h.relu(),
            (g) => g.sigmoid(),
          ),
        ),
    },
    {
      title: 'residual squeeze-excite',
      layer: make.squeezeExcite('s', {
        ...{ channels: 4, reduction: 1.5, residual: true },
        ...{ hidden: 'leaky_relu', gate: 'relu' },
      }),
      input,
      reference: (x, p) => x.add(x.mul(gate(x, p, leaky, (g) => g.relu()))),
    },
    {
      title: 'convolutions side by side',
      layer: make.parallelConvolutions('c', [
        { ...branch, outChannels: 2, kernel: 1 },
        { ...branch, outChannels: 3, kernel: 3, dilation: 2, bias: false },
        { ...branch, outChannels: 1, kernel: 3 },
      ]),
      input,
      reference: (x, [w0, b0, w1, w2, b2]) =>
        tf.concat(
          [
            convolution(x, w0!, { stride: 1, dilation: 1, padding: 0 }).add(b0!),
            convolution(x, w1!, { stride: 1, dilation: 2, padding: 2 }),
            convolution(x, w2!, { stride: 1, dilation: 1, padding: 1 }).add(b2!),
          ],
          -1,
        ),
    },
  ];
};

/** Every layer, but dropout, whose draws the tape cannot repeat. */
export const layerCases = (dims: SpatialDims): LayerCase[] => [
  ...convolutionCases(dims),
  ...transposedCases(dims),
  ...normalizationCases(dims),
  ...activationCases(dims),
  ...resizingCases(dims),
  ...compositeCases(dims),
];
