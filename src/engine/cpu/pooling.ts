import type * as tf from '@tensorflow/tfjs';
import type { Engine, PoolGeometry } from '../engine.ts';
import { convolutionSizes } from '../geometry.ts';
import { sizeOf, type Shape } from '../tensor.ts';
import { asThree, forEachMeeting, type Windows } from './windows.ts';

type Kernels = Pick<Engine, 'maxPool' | 'maxPoolGradient' | 'averagePool' | 'averagePoolGradient'>;

/** Pooling without padding, as plain loops. */
export function poolingKernels(tfjs: typeof tf): Kernels {
  const values = (tensor: tf.Tensor) => tensor.dataSync<'float32'>();
  const tensor = (data: Float32Array, shape: Shape) => tfjs.tensor(data, shape as number[], 'float32');
  return {
    maxPool(x, geometry) {
      const [windows, shape] = windowsOf(x.shape, geometry);
      const from = values(x);
      const y = new Float32Array(sizeOf(shape)).fill(-Infinity);
      forEachPair(windows, shape.at(-1)!, (i, o) => {
        if (from[i]! > y[o]! || Number.isNaN(from[i]!)) y[o] = from[i]!;
      });
      return tensor(y, shape);
    },

    maxPoolGradient(x, y, dy, geometry) {
      const [windows] = windowsOf(x.shape, geometry);
      const [from, largest, gradient] = [values(x), values(y), values(dy)];
      const dx = new Float32Array(x.size);
      const given = new Uint8Array(y.size);
      // The first of equal voxels takes the gradient, as in PyTorch.
      forEachPair(windows, x.shape.at(-1)!, (i, o) => {
        if (given[o] || from[i] !== largest[o]) return;
        given[o] = 1;
        dx[i]! += gradient[o]!;
      });
      return tensor(dx, x.shape);
    },

    averagePool(x, geometry) {
      const [windows, shape] = windowsOf(x.shape, geometry);
      const from = values(x);
      const share = 1 / sizeOf(geometry.sizes);
      const y = new Float32Array(sizeOf(shape));
      forEachPair(windows, shape.at(-1)!, (i, o) => {
        y[o]! += from[i]! * share;
      });
      return tensor(y, shape);
    },

    averagePoolGradient(inputShape, dy, geometry) {
      const [windows] = windowsOf(inputShape, geometry);
      const gradient = values(dy);
      const share = 1 / sizeOf(geometry.sizes);
      const dx = new Float32Array(sizeOf(inputShape));
      forEachPair(windows, inputShape.at(-1)!, (i, o) => {
        dx[i]! += gradient[o]! * share;
      });
      return tensor(dx, inputShape);
    },
  };
}

function windowsOf(input: Shape, geometry: PoolGeometry): [Windows, Shape] {
  const spatial = input.slice(1, -1);
  const whole = {
    strides: geometry.strides,
    dilations: spatial.map(() => 1),
    padding: spatial.map(() => [0, 0] as const),
  };
  const sizes = convolutionSizes(spatial, geometry.sizes, whole);
  const windows = {
    batch: input[0]!,
    input: asThree(spatial, 1),
    output: asThree(sizes, 1),
    kernel: asThree(geometry.sizes, 1),
    strides: asThree(geometry.strides, 1),
    dilations: [1, 1, 1] as const,
    before: [0, 0, 0] as const,
  };
  return [windows, [input[0]!, ...sizes, input.at(-1)!]];
}

/** Every element of every window, with the element of the output that it goes into. */
function forEachPair(windows: Windows, channels: number, visit: (input: number, output: number) => void): void {
  forEachMeeting(windows, (input, output) => {
    for (let c = 0; c < channels; c++) visit(input * channels + c, output * channels + c);
  });
}
