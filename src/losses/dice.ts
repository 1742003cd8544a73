import type { Engine } from '../engine/engine.ts';
import { sizeOf, type Tensor } from '../engine/tensor.ts';
import { activate, activationGradient, type LossActivation } from './activation.ts';

export interface DiceLossOptions {
  readonly activation: LossActivation;
  /** False: class 0 is left out (after the softmax over all classes). */
  readonly includeBackground: boolean;
  /** Squares in the denominator: Σ p² + Σ t². */
  readonly squared: boolean;
  /** Union in place of the sum: 2·(Σ p + Σ t − Σ p·t). */
  readonly jaccard: boolean;
}

/** Loss of every sample and class, and the gradient of their sum with respect to the logits. Both are the caller's. */
export interface ClassLosses {
  /** (batch, classes), or (batch, classes − 1) without background. */
  readonly values: Tensor;
  readonly gradient: Tensor;
}

const SMOOTH = 1e-5;

/**
 * Dice loss (Milletari et al. 2016) as MONAI 0.2.0's DiceLoss, f = 1 − (2·I + ε)/(D + ε) with I = Σ p·t, D = Σ p + Σ t over the
 * voxels of each sample and class, ε = 1e-5. `logits` and `target` (one-hot or soft): (batch, …spatial, classes).
 *
 *     df/dp = −2t/(D + ε) + (2·I + ε)/(D + ε)² · dD/dp
 */
export const diceLoss = (engine: Engine, logits: Tensor, target: Tensor, options: DiceLossOptions): ClassLosses => {
  const { math } = engine;
  const { add, div, mul, square, sub, sum } = math;
  const [batch, ...rest] = logits.shape as [number, ...number[]];
  const classes = rest.at(-1)!;
  const flat: [number, number, number] = [batch, sizeOf(rest) / classes, classes];
  return engine.tidy(() => {
    const p = activate(engine, math.reshape(logits, flat), options.activation);
    const t = math.reshape(target, flat);
    const overlap = sum(mul(p, t), 1, true);
    const sizes = options.squared ? add(square(p), square(t)) : add(p, t);
    const union = sum(sizes, 1, true);
    const denominator = add(options.jaccard ? mul(sub(union, overlap), 2) : union, SMOOTH);
    const numerator = add(mul(overlap, 2), SMOOTH);
    const losses = sub(1, div(numerator, denominator));

    const sizeSlope = options.squared ? mul(p, 2) : math.onesLike(p);
    const slope = options.jaccard ? mul(sub(sizeSlope, t), 2) : sizeSlope;
    const all = sub(mul(slope, div(numerator, square(denominator))), mul(t, div(2, denominator)));
    const counted = options.includeBackground ? all : mul(all, foreground(engine, classes));
    const first = options.includeBackground ? 0 : 1;
    return {
      values: math.slice(math.reshape(losses, [batch, classes]), [0, first], [batch, classes - first]),
      gradient: math.reshape(activationGradient(engine, p, counted, options.activation), logits.shape),
    };
  });
};

/** 0 for class 0, 1 for the others. */
const foreground = (engine: Engine, classes: number): Tensor =>
  engine.tensor(
    Float32Array.from({ length: classes }, (_, index) => Math.min(index, 1)),
    [1, 1, classes],
  );
