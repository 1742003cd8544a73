import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Loss, LossResult, LossTarget } from './loss.ts';

/**
 * A loss for networks that say in training what coarser levels of the decoder make of the image, too, behind the channels of the
 * output (deep supervision, Lee et al. 2015): Σ wₖ·loss(head k), with wₖ in proportion to 2⁻ᵏ and of sum 1, as in nnU-Net. A network
 * with one head has the loss itself.
 */
export class DeepSupervisionLoss implements Loss {
  readonly #loss: Loss;
  readonly #classes: number;

  constructor(loss: Loss, classes: number) {
    this.#loss = loss;
    this.#classes = classes;
  }

  evaluate(engine: Engine, logits: Tensor, target: LossTarget): LossResult {
    const heads = logits.shape.at(-1)! / this.#classes;
    if (heads === 1) return this.#loss.evaluate(engine, logits, target);
    const { concat, mul, split } = engine.math;
    const total = 2 - 2 ** (1 - heads);
    const results = split(logits, heads, -1).map((head, k) => {
      const weight = 2 ** -k / total;
      const { value, gradient } = this.#loss.evaluate(engine, head, target);
      const weighted = mul(gradient, weight);
      [head, gradient].forEach((tensor) => tensor.dispose());
      return { value: weight * value, gradient: weighted };
    });
    const gradients = results.map(({ gradient }) => gradient);
    const gradient = concat(gradients, -1);
    gradients.forEach((tensor) => tensor.dispose());
    return { value: results.reduce((sum, { value }) => sum + value, 0), gradient };
  }
}
