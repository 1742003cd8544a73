import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Parameter } from '../layers/parameter.ts';

/** Calls `body` with g + λ·p, the gradient of the loss with λ/2·‖p‖² added (PyTorch's `weight_decay` but for AdamW). */
export const withWeightDecay = (
  engine: Engine,
  parameter: Parameter,
  gradient: Tensor,
  decay: number,
  body: (gradient: Tensor) => void,
): void => {
  if (decay === 0) {
    body(gradient);
    return;
  }
  const { math } = engine;
  const decayed = engine.tidy(() => math.add(gradient, math.mul(parameter.value.read(), decay)));
  body(decayed);
  decayed.dispose();
};
