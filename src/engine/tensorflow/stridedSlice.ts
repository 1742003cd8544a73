import type { Shape, Tensor } from '../tensor.ts';
import type { Runtime } from './runtime.ts';

/** Every s-th element of each axis, from `begin` on: `count` of them. */
export interface Grid {
  readonly begin: readonly number[];
  readonly strides: readonly number[];
  readonly count: readonly number[];
}

const endOf = ({ begin, strides, count }: Grid): number[] =>
  begin.map((first, axis) => first + (count[axis]! - 1) * strides[axis]! + 1);

export const stridedSlice = (r: Runtime, x: Tensor, grid: Grid): Tensor =>
  r.tf.stridedSlice(x, [...grid.begin], endOf(grid), [...grid.strides]);

/** The gradient of `stridedSlice`: a tensor of that shape with `dy` on the grid and zeros elsewhere. */
export function stridedSliceGradient(r: Runtime, shape: Shape, grid: Grid, dy: Tensor): Tensor {
  const masks = ['begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask'];
  const lists = [shape, grid.begin, endOf(grid), grid.strides].map((list) => r.tf.tensor1d([...list], 'int32'));
  const attributes = [r.float, r.type('Index', 'TF_INT32'), ...masks.map((mask) => r.int(mask, 0))];
  try {
    return r.run('StridedSliceGrad', attributes, [...lists, dy]);
  } finally {
    for (const list of lists) list.dispose();
  }
}
