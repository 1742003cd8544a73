import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Loss, LossResult, LossTarget } from './loss.ts';

/** In the place of a loss: the gradient of the output is what comes instead of labels, and the value Σ output · gradient. */
export class GivenGradient implements Loss {
  evaluate(engine: Engine, output: Tensor, { labels: gradient }: LossTarget): LossResult {
    const { mul, sum } = engine.math;
    const product = engine.tidy(() => sum(mul(output, gradient)));
    const value = engine.read(product)[0]!;
    product.dispose();
    return { value, gradient: engine.share(gradient) };
  }
}
