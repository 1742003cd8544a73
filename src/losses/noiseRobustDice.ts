import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import { activationGradient } from './activation.ts';
import type { Loss, LossResult, LossTarget } from './loss.ts';
import { evaluatePerSample, type Sample } from './perSample.ts';
import { trueClass } from './trueClass.ts';

export interface NoiseRobustDiceOptions {
  /** Between 1, the mean absolute error, and 2, the Dice loss. */
  readonly gamma: number;
  /** `squares`: one ratio over all classes, as in the paper. `sums`: the mean of a ratio a class, as in PyMIC. */
  readonly denominator: 'squares' | 'sums';
  /** One for each class. */
  readonly classWeights: readonly number[];
}

const SMOOTH = 1e-5;

/**
 * The noise-robust Dice loss of COPLE-Net (Wang et al., IEEE TMI 2020), by sample, p the softmax of the logits and g the one-hot
 * labels, over foreground and background:
 *
 *     squares   Σ w·|p − g|^γ / (Σ w·(p² + g²) + ε)               the paper's
 *     sums      mean over classes of w·Σ |p − g|^γ / (Σ (p + g) + ε)     PyMIC's
 *
 * w is class weight times annotation flag, ε = 1e-5. What is wrong by much counts for less than in the Dice loss (γ = 2), so
 * that a few labels that are wrong do not lead astray.
 */
export class NoiseRobustDiceLoss implements Loss {
  readonly #options: NoiseRobustDiceOptions;

  constructor(options: NoiseRobustDiceOptions) {
    this.#options = options;
  }

  evaluate(engine: Engine, logits: Tensor, target: LossTarget): LossResult {
    const { math } = engine;
    const { classWeights } = this.#options;
    return engine.tidy(() => {
      const all = engine.tensor(Float32Array.from(classWeights), [1, classWeights.length]);
      return evaluatePerSample(engine, logits, target, (sample) => {
        const weights = sample.flags ? math.mul(all, math.reshape(sample.flags, all.shape)) : all;
        const { value, slope, p } = ratio(engine, sample, weights, this.#options);
        const gradient = activationGradient(engine, p, slope, 'softmax');
        return { value: math.div(value, target.batchSize), gradient: math.div(gradient, target.batchSize) };
      });
    });
  }
}

/**
 * The loss N/D of a sample and its slope with respect to p, (γ·|p − g|^(γ−1)·(1 − 2g) − N/D · dD/dp) · w / D: since g is 0 or 1,
 * the sign of p − g is 1 − 2g.
 */
const ratio = (
  engine: Engine,
  { logits, labels }: Sample,
  weights: Tensor,
  { gamma, denominator }: NoiseRobustDiceOptions,
): { value: Tensor; slope: Tensor; p: Tensor } => {
  const { math } = engine;
  const { abs, add, div, mul, pow, square, sub, sum } = math;
  const { p, t } = trueClass(engine, logits, labels);
  const apart = abs(sub(p, t));
  const slopeOfN = mul(mul(pow(apart, gamma - 1), gamma), sub(1, mul(t, 2)));
  const numerators = mul(weights, sum(pow(apart, gamma), 0, true));
  if (denominator === 'squares') {
    const size = add(sum(mul(weights, sum(add(square(p), square(t)), 0, true))), SMOOTH);
    const value = div(sum(numerators), size);
    return { value, slope: mul(div(weights, size), sub(slopeOfN, mul(mul(p, 2), value))), p };
  }
  const sizes = add(sum(add(p, t), 0, true), SMOOTH);
  const each = div(numerators, sizes);
  const share = 1 / weights.size;
  return {
    value: mul(sum(each), share),
    slope: mul(sub(mul(slopeOfN, div(weights, sizes)), div(each, sizes)), share),
    p,
  };
};
