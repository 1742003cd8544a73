import type * as tf from '@tensorflow/tfjs';
import type { ConvolutionGeometry, Engine } from '../engine.ts';
import { convolutionSizes } from '../geometry.ts';
import { sizeOf, type Shape } from '../tensor.ts';
import { asThree, forEachMeeting, type Windows } from './windows.ts';

type Kernels = Pick<
  Engine,
  'convolve' | 'convolveInputGradient' | 'convolveFilterGradient' | 'addBias' | 'biasGradient'
>;

/** Convolution as plain loops: tfjs's own kernels have no gradient where the kernel is dilated. */
export function convolutionKernels(tfjs: typeof tf): Kernels {
  const values = (tensor: tf.Tensor) => tensor.dataSync<'float32'>();
  const tensor = (data: Float32Array, shape: Shape) => tfjs.tensor(data, shape as number[], 'float32');
  return {
    convolve(x, filter, geometry) {
      const [windows, shape] = windowsOf(x.shape, filter.shape, geometry);
      const y = new Float32Array(sizeOf(shape));
      accumulateOutput(windows, filter.shape, values(x), values(filter), y);
      return tensor(y, shape);
    },

    convolveInputGradient(inputShape, filter, dy, geometry) {
      const [windows] = windowsOf(inputShape, filter.shape, geometry);
      const dx = new Float32Array(sizeOf(inputShape));
      accumulateInput(windows, filter.shape, dx, values(filter), values(dy));
      return tensor(dx, inputShape);
    },

    convolveFilterGradient(x, filterShape, dy, geometry) {
      const [windows] = windowsOf(x.shape, filterShape, geometry);
      const dw = new Float32Array(sizeOf(filterShape));
      accumulateFilter(windows, filterShape, values(x), dw, values(dy));
      return tensor(dw, filterShape);
    },

    addBias: (x, bias) => tfjs.add(x, bias),
    biasGradient: (dy) => tfjs.sum(dy, [...dy.shape.keys()].slice(0, -1)),
  };
}

function windowsOf(input: Shape, filter: Shape, geometry: ConvolutionGeometry): [Windows, Shape] {
  const spatial = input.slice(1, -1);
  const kernel = filter.slice(0, -2);
  const sizes = convolutionSizes(spatial, kernel, geometry);
  const windows = {
    batch: input[0]!,
    input: asThree(spatial, 1),
    output: asThree(sizes, 1),
    kernel: asThree(kernel, 1),
    strides: asThree(geometry.strides, 1),
    dilations: asThree(geometry.dilations, 1),
    before: asThree(
      geometry.padding.map(([before]) => before),
      0,
    ),
  };
  return [windows, [input[0]!, ...sizes, filter.at(-1)!]];
}

/** y[o, f] += x[i, c]·w[t, c, f] */
function accumulateOutput(windows: Windows, filter: Shape, x: Float32Array, w: Float32Array, y: Float32Array): void {
  const [channels, filters] = [filter.at(-2)!, filter.at(-1)!];
  forEachMeeting(windows, (input, output, tap) => {
    for (let c = 0; c < channels; c++) {
      const value = x[input * channels + c]!;
      const row = (tap * channels + c) * filters;
      for (let f = 0; f < filters; f++) y[output * filters + f]! += value * w[row + f]!;
    }
  });
}

/** dx[i, c] += Σ_f dy[o, f]·w[t, c, f] */
function accumulateInput(windows: Windows, filter: Shape, dx: Float32Array, w: Float32Array, dy: Float32Array): void {
  const [channels, filters] = [filter.at(-2)!, filter.at(-1)!];
  forEachMeeting(windows, (input, output, tap) => {
    for (let c = 0; c < channels; c++) {
      const row = (tap * channels + c) * filters;
      let sum = 0;
      for (let f = 0; f < filters; f++) sum += dy[output * filters + f]! * w[row + f]!;
      dx[input * channels + c]! += sum;
    }
  });
}

/** dw[t, c, f] += x[i, c]·dy[o, f] */
function accumulateFilter(windows: Windows, filter: Shape, x: Float32Array, dw: Float32Array, dy: Float32Array): void {
  const [channels, filters] = [filter.at(-2)!, filter.at(-1)!];
  forEachMeeting(windows, (input, output, tap) => {
    for (let c = 0; c < channels; c++) {
      const value = x[input * channels + c]!;
      const row = (tap * channels + c) * filters;
      for (let f = 0; f < filters; f++) dw[row + f]! += value * dy[output * filters + f]!;
    }
  });
}
