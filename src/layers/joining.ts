import type { Engine } from '../engine/engine.ts';
import type { Shape, Tensor } from '../engine/tensor.ts';
import { channelsOf } from './geometry.ts';
import { LayerShapeError } from './layerShapeError.ts';

/** How a skip meets what it is joined to: behind its channels, before them, or added to it. */
export type Join = 'concatenate' | 'prepend' | 'add';

/** The shape of what is joined; `name` says where, for the error. Throws a LayerShapeError where one does not fit the other. */
export function joinedShape(name: string, join: Join, front: Shape, behind: Shape): Shape {
  const compared = join === 'add' ? front : front.slice(0, -1);
  if (front.length === behind.length && compared.every((size, axis) => size === behind[axis]))
    return join === 'add' ? front : [...compared, channelsOf(front) + channelsOf(behind)];
  const what = join === 'add' ? 'shape to be that' : 'batch and spatial sizes to be those';
  throw new LayerShapeError(name, behind, `the skip's ${what} of the input, (${compared.join(', ')})`);
}

/** (…, a) ⊕ (…, b) → (…, a + b), the channels of the skip `behind` or before; or their sum. The caller owns it. */
export function joinTensors(engine: Engine, name: string, join: Join, front: Tensor, behind: Tensor): Tensor {
  joinedShape(name, join, front.shape, behind.shape);
  if (join === 'add') return engine.math.add(front, behind);
  return engine.math.concat(join === 'prepend' ? [behind, front] : [front, behind], -1);
}

/** The gradients of `joinTensors`: of the `channels` channels of the front, and of the skip's. Takes `gradient` over. */
export function splitGradient(
  engine: Engine,
  join: Join,
  gradient: Tensor,
  channels: number,
): [front: Tensor, behind: Tensor] {
  if (join === 'add') return [gradient, engine.share(gradient)];
  const before = gradient.shape.slice(0, -1);
  const others = channelsOf(gradient.shape) - channels;
  const cut = (start: number, count: number): Tensor =>
    engine.math.slice(gradient, [...before.map(() => 0), start], [...before, count]);
  const parts: [Tensor, Tensor] =
    join === 'prepend' ? [cut(others, channels), cut(0, others)] : [cut(0, channels), cut(channels, others)];
  gradient.dispose();
  return parts;
}
