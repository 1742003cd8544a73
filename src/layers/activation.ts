import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { LayerDescription } from './description.ts';

/** Activations whose derivative follows from their output. */
export type ActivationName = 'relu' | 'leaky_relu' | 'sigmoid';

/** PyTorch's. */
const LEAK = 0.01;

/** y = f(x), for an array of any shape; the caller owns it. */
export function activate(engine: Engine, name: ActivationName, x: Tensor): Tensor {
  if (name === 'sigmoid') return engine.math.sigmoid(x);
  return engine.leakyRelu(x, name === 'relu' ? 0 : LEAK);
}

/** dx = dy·f′, from y = f(x). */
export function activationGradient(engine: Engine, name: ActivationName, y: Tensor, dy: Tensor): Tensor {
  const { mul, sub } = engine.math;
  if (name === 'sigmoid') return engine.tidy(() => mul(dy, mul(y, sub(1, y))));
  return engine.leakyReluGradient(y, dy, name === 'relu' ? 0 : LEAK);
}

export const describeActivation = (name: ActivationName): LayerDescription =>
  name === 'sigmoid' ? { kind: 'sigmoid' } : { kind: 'leaky ReLU', slope: name === 'relu' ? 0 : LEAK };
