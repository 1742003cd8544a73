import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Parameter } from '../layers/parameter.ts';
import { SlottedOptimizer } from './slottedOptimizer.ts';
import { withWeightDecay } from './weightDecay.ts';

export interface RmspropOptions {
  readonly alpha: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/**
 * RMSprop as torch.optim.RMSprop (not centred, no momentum; ε outside the root, unlike TensorFlow's):
 *
 *     g ← g + λp;  v ← αv + (1−α)g²;  p ← p − rate·g/(√v + ε)
 *
 * This is Adam with β1 = 0 and without bias correction, for which there is a fused kernel. Its first moment is then the last
 * gradient; it is kept in checkpoints all the same, for the kernel forms it as m + (g − m), whose rounding depends on m, and a
 * resumed run must go on bit for bit.
 */
export class Rmsprop extends SlottedOptimizer {
  readonly #options: RmspropOptions;

  constructor(engine: Engine, options: RmspropOptions) {
    super(engine, ['last_gradient', 'square_avg']);
    this.#options = options;
  }

  protected override update(parameter: Parameter, gradient: Tensor, rate: number): void {
    const { alpha, epsilon, weightDecay } = this.#options;
    const last = this.slots.get('last_gradient', parameter);
    const square = this.slots.get('square_avg', parameter);
    withWeightDecay(this.engine, parameter, gradient, weightDecay, (g) =>
      this.engine.updates.adam(parameter.value, last, square, g, {
        rate,
        beta1: 0,
        beta2: alpha,
        beta1Power: 0,
        beta2Power: 0,
        epsilon,
      }),
    );
  }
}
