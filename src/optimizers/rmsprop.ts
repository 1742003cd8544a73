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
 * v is all that it keeps.
 */
export class Rmsprop extends SlottedOptimizer {
  readonly #options: RmspropOptions;

  constructor(engine: Engine, options: RmspropOptions) {
    super(engine, ['square_avg']);
    this.#options = options;
  }

  protected override update(parameter: Parameter, gradient: Tensor, rate: number): void {
    const { alpha, epsilon, weightDecay } = this.#options;
    const square = this.slots.get('square_avg', parameter);
    withWeightDecay(this.engine, parameter, gradient, weightDecay, (g) =>
      this.engine.updates.rmsprop(parameter.value, square, g, { rate, alpha, epsilon }),
    );
  }
}
