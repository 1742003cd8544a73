import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';

/** Waits until a tensor has been computed, and so all that was asked for before it, where the engine runs ahead. */
export function settle(engine: Engine, tensor: Tensor): void {
  if (engine.runsAhead) touch(engine, tensor);
}

/** Reads one of a tensor's values: it is in the engine then, and has been computed. */
export function touch(engine: Engine, tensor: Tensor): void {
  const first = engine.math.slice(
    tensor,
    tensor.shape.map(() => 0),
    tensor.shape.map(() => 1),
  );
  engine.read(first);
  first.dispose();
}
