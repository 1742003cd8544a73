import type { Shape } from '../engine/tensor.ts';
import { sizeOf } from '../engine/tensor.ts';
import type { Layer } from '../layers/layer.ts';
import type { Cell } from '../models/cell.ts';

/** What a cell costs for one micro-batch. Times in milliseconds, measured or estimated. */
export interface CellCost {
  readonly name: string;
  readonly forward: number;
  readonly backward: number;
  /** Floating-point operations of the forward pass; multiply and add count as two. */
  readonly operations: number;
  /** Trainable values. */
  readonly parameters: number;
}

/** What an estimate needs to know of a cell. */
export type CountedCell = Pick<Cell, 'name' | 'pop' | 'stash'> & {
  readonly layers: readonly Pick<Layer, 'parameters' | 'outputShape' | 'operations'>[];
};

/** What a device can do at most. */
export interface DeviceCeilings {
  readonly operationsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** About a desktop processor. Only the proportion matters for a cut: about 20 operations in the time of a byte. */
export const commonCeilings: DeviceCeilings = { operationsPerSecond: 160e9, bytesPerSecond: 8e9 };

/** What the partitioner balances: a cell's share of a stage's time for one micro-batch. */
export const costPerMicroBatch = ({ forward, backward }: CellCost): number => forward + backward;

/**
 * The costs of a model's cells without a device: each layer takes as long as its operations or its memory traffic take,
 * whichever is longer (Williams et al., Roofline, 2009). The backward pass computes two gradients, each about a forward pass.
 *
 * @param inputShape of one micro-batch: (batch, …spatial, channels)
 */
export const analyticCosts = (
  model: { readonly cells: readonly CountedCell[] },
  inputShape: Shape,
  ceilings: DeviceCeilings = commonCeilings,
): CellCost[] => {
  const skips = new Map<string, Shape>();
  let shape = inputShape;
  return model.cells.map((cell) => {
    const joined = withSkip(shape, cell.pop === undefined ? undefined : skips.get(cell.pop));
    const { output, ...cost } = costOf(cell, joined, ceilings);
    if (cell.stash !== undefined) skips.set(cell.stash, output);
    shape = output;
    return cost;
  });
};

/** A skip stands behind the channels of the input. */
const withSkip = (shape: Shape, skip: Shape | undefined): Shape =>
  skip ? [...shape.slice(0, -1), (shape.at(-1) ?? 0) + (skip.at(-1) ?? 0)] : shape;

const bytesPerValue = 4;

const costOf = (cell: CountedCell, input: Shape, ceilings: DeviceCeilings): CellCost & { readonly output: Shape } => {
  let [shape, operations, seconds] = [input, 0, 0];
  for (const layer of cell.layers) {
    const output = layer.outputShape(shape);
    const work = layer.operations(shape);
    const bytes = bytesPerValue * (sizeOf(shape) + sizeOf(output));
    operations += work;
    seconds += Math.max(work / ceilings.operationsPerSecond, bytes / ceilings.bytesPerSecond);
    shape = output;
  }
  const parameters = cell.layers
    .flatMap((layer) => layer.parameters)
    .filter(({ role }) => role === 'parameter')
    .reduce((sum, parameter) => sum + sizeOf(parameter.shape), 0);
  const forward = 1000 * seconds;
  return { name: cell.name, forward, backward: 2 * forward, operations, parameters, output: shape };
};
