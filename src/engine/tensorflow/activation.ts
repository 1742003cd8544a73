import type { Engine } from '../engine.ts';
import type { Runtime } from './runtime.ts';

type Kernels = Pick<Engine, 'leakyRelu' | 'leakyReluGradient'>;

/** y = x where x > 0, else slope·x;   dx = dy where x > 0, else slope·dy. */
export function activationKernels(r: Runtime): Kernels {
  return {
    leakyRelu: (x, slope) => r.run('LeakyRelu', [r.float, r.real('alpha', slope)], [x]),
    leakyReluGradient: (sign, dy, slope) => r.run('LeakyReluGrad', [r.float, r.real('alpha', slope)], [dy, sign]),
  };
}
