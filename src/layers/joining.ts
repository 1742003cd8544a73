import type { Engine } from '../engine/engine.ts';
import type { Shape, Tensor } from '../engine/tensor.ts';
import { channelsOf } from './geometry.ts';
import { LayerShapeError } from './layerShapeError.ts';

/** How a skip meets what it is joined to: behind its channels, or added to it. */
export type Join = 'concatenate' | 'add';

/** The shape of what is joined; `name` says where, for the error. Throws a LayerShapeError where one does not fit the other. */
export function joinedShape(name: string, join: Join, front: Shape, behind: Shape): Shape {
  const compared = join === 'add' ? front : front.slice(0, -1);
  if (front.length === behind.length && compared.every((size, axis) => size === behind[axis]))
    return join === 'add' ? front : [...compared, channelsOf(front) + channelsOf(behind)];
  const what = join === 'add' ? 'shape to be that' : 'batch and spatial sizes to be those';
  throw new LayerShapeError(name, behind, `the skip's ${what} of the input, (${compared.join(', ')})`);
}

/** (…, a) ⊕ (…, b) → (…, a + b), `behind` following the channels of `front`; or their sum. The caller owns it. */
export function joinTensors(engine: Engine, name: string, join: Join, front: Tensor, behind: Tensor): Tensor {
  joinedShape(name, join, front.shape, behind.shape);
  return join === 'add' ? engine.math.add(front, behind) : engine.math.concat([front, behind], -1);
}

/** The gradients of `joinTensors`: the first `channels` channels and the rest, or the same for both. Takes `gradient` over. */
export function splitGradient(
  engine: Engine,
  join: Join,
  gradient: Tensor,
  channels: number,
): [front: Tensor, behind: Tensor] {
  if (join === 'add') return [gradient, engine.share(gradient)];
  const start = gradient.shape.map(() => 0);
  const before = gradient.shape.slice(0, -1);
  const { slice } = engine.math;
  const front = slice(gradient, start, [...before, channels]);
  const behind = slice(gradient, [...start.slice(0, -1), channels], [...before, channelsOf(gradient.shape) - channels]);
  gradient.dispose();
  return [front, behind];
}
