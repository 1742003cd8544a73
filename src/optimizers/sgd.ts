import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Parameter } from '../layers/parameter.ts';
import { SlottedOptimizer } from './slottedOptimizer.ts';
import { withWeightDecay } from './weightDecay.ts';

export interface SgdOptions {
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/**
 * Stochastic gradient descent as torch.optim.SGD (dampening 0):
 *
 *     g ← g + λp;  v ← μv + g;  p ← p − rate·v,  or with Nesterov p ← p − rate·(g + μv)
 */
export class Sgd extends SlottedOptimizer {
  readonly #options: SgdOptions;

  constructor(engine: Engine, options: SgdOptions) {
    super(engine, options.momentum > 0 ? ['momentum_buffer'] : []);
    this.#options = options;
  }

  protected override update(parameter: Parameter, gradient: Tensor, rate: number): void {
    const { momentum, nesterov, weightDecay } = this.#options;
    const { updates } = this.engine;
    withWeightDecay(this.engine, parameter, gradient, weightDecay, (g) => {
      if (momentum === 0) updates.descend(parameter.value, g, rate);
      else
        updates.momentum(parameter.value, this.slots.get('momentum_buffer', parameter), g, {
          rate,
          momentum,
          nesterov,
        });
    });
  }
}
