import type * as tf from '@tensorflow/tfjs';
import type { Engine } from '../engine.ts';

type Kernels = Pick<Engine, 'leakyRelu' | 'leakyReluGradient'>;

/** y = x where x > 0, else slope·x;   dx = dy where x > 0, else slope·dy. */
export function activationKernels(tfjs: typeof tf): Kernels {
  return {
    leakyRelu: (x, slope) => tfjs.tidy(() => tfjs.where(tfjs.greater(x, 0), x, tfjs.mul(x, slope))),
    leakyReluGradient: (sign, dy, slope) => tfjs.tidy(() => tfjs.where(tfjs.greater(sign, 0), dy, tfjs.mul(dy, slope))),
  };
}
