import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import { channelsOf } from './geometry.ts';
import { LayerShapeError } from './layerShapeError.ts';

/** (…, a) ⊕ (…, b) → (…, a + b): `behind` follows the channels of `front`. `name` says where, for the error. */
export function concatenateChannels(engine: Engine, name: string, front: Tensor, behind: Tensor): Tensor {
  const fits =
    front.rank === behind.rank && front.shape.slice(0, -1).every((size, axis) => size === behind.shape[axis]);
  if (!fits)
    throw new LayerShapeError(
      name,
      behind.shape,
      `the skip's batch and spatial sizes to be those of the input, (${front.shape.slice(0, -1).join(', ')})`,
    );
  return engine.math.concat([front, behind], -1);
}

/** The gradient of `concatenateChannels`: the first `channels` channels, and the rest. */
export function splitChannels(engine: Engine, gradient: Tensor, channels: number): [front: Tensor, behind: Tensor] {
  const start = gradient.shape.map(() => 0);
  const before = gradient.shape.slice(0, -1);
  return [
    engine.math.slice(gradient, start, [...before, channels]),
    engine.math.slice(gradient, [...start.slice(0, -1), channels], [...before, channelsOf(gradient.shape) - channels]),
  ];
}
