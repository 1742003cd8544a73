import type { Engine } from '../engine/engine.ts';
import type { Parameter } from '../layers/parameter.ts';

/** The factor that brings gradients of a global norm down to `max`, as torch.nn.utils.clip_grad_norm_. */
export const clipFactor = (norm: number, max: number): number => Math.min(1, max / (norm + 1e-6));

/** Σ g² over these parameters. The squared norms of all workers add up to that of the whole network. */
export const squaredGradientNorm = (engine: Engine, parameters: readonly Parameter[]): number => {
  const { math } = engine;
  const sums = engine.tidy(() => {
    const squares = parameters.flatMap(({ gradient }) =>
      gradient ? [math.reshape(math.sum(math.square(gradient)), [1])] : [],
    );
    return squares.length > 0 ? math.concat(squares) : math.zeros([1]);
  });
  let total = 0;
  for (const value of engine.read(sums)) total += value;
  sums.dispose();
  return total;
};

/** Multiplies every gradient by `factor`. */
export const scaleGradients = (engine: Engine, parameters: readonly Parameter[], factor: number): void => {
  if (factor === 1) return;
  for (const parameter of parameters) {
    const before = parameter.gradient;
    if (!before) continue;
    parameter.gradient = engine.keep(engine.math.mul(before, factor));
    before.dispose();
  }
};
