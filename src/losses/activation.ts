import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';

/** What turns logits (…, classes) into probabilities. */
export type LossActivation = 'softmax' | 'sigmoid' | 'none';

export const activate = ({ math }: Engine, logits: Tensor, activation: LossActivation): Tensor => {
  if (activation === 'softmax') return math.softmax(logits);
  return activation === 'sigmoid' ? math.sigmoid(logits) : math.mul(logits, 1);
};

/** The gradient with respect to the logits: softmax p·(g − Σ p·g) over the classes, sigmoid p·(1 − p)·g. */
export const activationGradient = ({ math }: Engine, p: Tensor, g: Tensor, activation: LossActivation): Tensor => {
  const { mul, sub, sum } = math;
  if (activation === 'softmax') return mul(p, sub(g, sum(mul(p, g), -1, true)));
  return activation === 'sigmoid' ? mul(mul(p, sub(1, p)), g) : mul(g, 1);
};
