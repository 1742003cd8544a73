import type { CellSpec, LayerSpec } from './schema/cells.ts';

/** What every spatial size must be a multiple of so that cells of the user's own halve nothing odd: the common multiple of how coarse they get. */
export function cellsDivisor(cells: readonly CellSpec[], axes: number): number {
  let divisor = 1;
  let scale: readonly number[] = Array.from({ length: axes }, () => 1);
  for (const layer of cells.flatMap(({ layers }) => layers)) {
    const factors = coarseningOf(layer);
    scale = scale.map((before, axis) => before * (typeof factors === 'number' ? factors : (factors[axis] ?? 1)));
    // What lies between two resolutions is told when the network is built.
    divisor = scale.reduce((so, by) => leastCommonMultiple(so, Math.max(1, Math.round(by))), divisor);
  }
  return divisor;
}

/** How many times coarser a layer's output is than its input, for all axes or for each; below 1 where it is finer. */
export function coarseningOf(layer: LayerSpec): number | readonly number[] {
  switch (layer.name) {
    case 'convolution':
      return layer.stride;
    case 'max_pool':
    case 'average_pool':
      return layer.kernel;
    case 'transposed_convolution':
      return inverse(layer.stride);
    case 'upsample':
      return inverse(layer.scale);
    case 'batch_norm':
    case 'instance_norm':
    case 'group_norm':
    case 'leaky_relu':
    case 'relu':
    case 'prelu':
    case 'sigmoid':
    case 'dropout':
      return 1;
  }
}

const inverse = (by: number | readonly number[]): number | readonly number[] =>
  typeof by === 'number' ? 1 / by : by.map((each) => 1 / each);

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));
const leastCommonMultiple = (a: number, b: number): number => (a * b) / greatestCommonDivisor(a, b);
