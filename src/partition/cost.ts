import type { Shape } from '../engine/tensor.ts';
import { sizeOf } from '../engine/tensor.ts';
import type { Layer } from '../layers/layer.ts';
import type { Cell } from '../models/cell.ts';
import { layersInputShape } from '../models/runCell.ts';

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
export type CountedCell = Pick<Cell, 'name' | 'pop' | 'stash' | 'join'> & {
  readonly layers: readonly CountedLayer[];
  readonly popThrough?: readonly CountedLayer[];
};

type CountedLayer = Pick<Layer, 'parameters' | 'outputShape' | 'operations'>;

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
    const skip = cell.pop === undefined ? undefined : skips.get(cell.pop);
    const { output, ...cost } = costOf(cell, shape, skip, ceilings);
    if (cell.stash !== undefined) skips.set(cell.stash, output);
    shape = output;
    return cost;
  });
};

const bytesPerValue = 4;

const costOf = (
  cell: CountedCell,
  input: Shape,
  skip: Shape | undefined,
  ceilings: DeviceCeilings,
): CellCost & { readonly output: Shape } => {
  const { popThrough = [], layers } = cell;
  const rows = [costOfRow(layers, layersInputShape(cell, input, skip), ceilings)];
  if (skip) rows.push(costOfRow(popThrough, skip, ceilings));
  const total = (figure: 'operations' | 'seconds'): number => rows.reduce((sum, row) => sum + row[figure], 0);
  const parameters = [...popThrough, ...layers]
    .flatMap((layer) => layer.parameters)
    .filter(({ role }) => role === 'parameter')
    .reduce((sum, parameter) => sum + sizeOf(parameter.shape), 0);
  const forward = 1000 * total('seconds');
  return {
    ...{ name: cell.name, forward, backward: 2 * forward, operations: total('operations'), parameters },
    output: rows[0]!.output,
  };
};

const costOfRow = (
  layers: readonly CountedLayer[],
  input: Shape,
  ceilings: DeviceCeilings,
): { readonly output: Shape; readonly operations: number; readonly seconds: number } => {
  let [shape, operations, seconds] = [input, 0, 0];
  for (const layer of layers) {
    const output = layer.outputShape(shape);
    const work = layer.operations(shape);
    const bytes = bytesPerValue * (sizeOf(shape) + sizeOf(output));
    operations += work;
    seconds += Math.max(work / ceilings.operationsPerSecond, bytes / ceilings.bytesPerSecond);
    shape = output;
  }
  return { output: shape, operations, seconds };
};
