import type { Engine } from '../engine/engine.ts';
import { sizeOf, type Tensor } from '../engine/tensor.ts';
import type { ClassLosses } from './dice.ts';

/**
 * Focal loss (Lin et al. 2017) as MONAI 0.2.0's FocalLoss: softmax over the classes, and for each sample and class the mean over
 * voxels of −t·(1 − p)^γ·log p. `logits` and `target` (one-hot): (batch, …spatial, classes).
 *
 *     a = dL/dlog p = t·(γ·(1 − p)^(γ−1)·p·log p − (1 − p)^γ) / voxels,   dl = a − p·Σ a
 */
export const focalLoss = (engine: Engine, logits: Tensor, target: Tensor, gamma: number): ClassLosses => {
  const { math } = engine;
  const { mul, neg, pow, sub, sum } = math;
  const [batch, ...rest] = logits.shape as [number, ...number[]];
  const classes = rest.at(-1)!;
  const voxels = sizeOf(rest) / classes;
  return engine.tidy(() => {
    const logP = math.logSoftmax(math.reshape(logits, [batch, voxels, classes]));
    const t = math.div(math.reshape(target, [batch, voxels, classes]), voxels);
    const p = math.exp(logP);
    const wrong = math.maximum(sub(1, p), 6e-8);
    const power = pow(wrong, gamma);
    const slope = mul(pow(wrong, gamma - 1), gamma);
    const a = mul(t, sub(mul(mul(slope, p), logP), power));
    return {
      values: neg(sum(mul(t, mul(power, logP)), 1)),
      gradient: math.reshape(sub(a, mul(p, sum(a, -1, true))), logits.shape),
    };
  });
};
