import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';

/** Waits until a tensor has been computed, and so all that was asked for before it: reads one of its values. */
export function settle(engine: Engine, tensor: Tensor): void {
  const first = engine.math.slice(
    tensor,
    tensor.shape.map(() => 0),
    tensor.shape.map(() => 1),
  );
  engine.read(first);
  first.dispose();
}
