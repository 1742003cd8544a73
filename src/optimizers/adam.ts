import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Parameter } from '../layers/parameter.ts';
import { SlottedOptimizer } from './slottedOptimizer.ts';
import { withWeightDecay } from './weightDecay.ts';

export interface AdamOptions {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  /** AdamW (Loshchilov and Hutter 2019): p ← (1 − rate·λ)·p before the step, in place of λp in the gradient. */
  readonly decoupled: boolean;
}

/**
 * Adam (Kingma and Ba 2015) as torch.optim.Adam and AdamW, in step t:
 *
 *     m ← β1·m + (1−β1)·g;  v ← β2·v + (1−β2)·g²;  p ← p − rate/(1−β1ᵗ) · m / (√v/√(1−β2ᵗ) + ε)
 *
 * The kernel has ε beside the uncorrected √v, so that both rate and ε are scaled by √(1−β2ᵗ) here, in double precision.
 */
export class Adam extends SlottedOptimizer {
  readonly #options: AdamOptions;

  constructor(engine: Engine, options: AdamOptions) {
    super(engine, ['exp_avg', 'exp_avg_sq']);
    this.#options = options;
  }

  protected override update(parameter: Parameter, gradient: Tensor, rate: number, step: number): void {
    const { betas, epsilon, weightDecay, decoupled } = this.#options;
    const [beta1, beta2] = betas;
    const { updates } = this.engine;
    const correction = Math.sqrt(1 - beta2 ** step);
    const m = this.slots.get('exp_avg', parameter);
    const v = this.slots.get('exp_avg_sq', parameter);
    if (decoupled && weightDecay > 0) updates.scale(parameter.value, 1 - rate * weightDecay);
    withWeightDecay(this.engine, parameter, gradient, decoupled ? 0 : weightDecay, (g) =>
      updates.adam(parameter.value, m, v, g, {
        rate: (rate * correction) / (1 - beta1 ** step),
        beta1,
        beta2,
        beta1Power: 0,
        beta2Power: 0,
        epsilon: epsilon * correction,
      }),
    );
  }
}
