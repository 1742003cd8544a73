import type { OptimizerSpec } from '../config/runFile.ts';
import { sizeOf } from '../engine/tensor.ts';
import type { Shape } from '../engine/tensor.ts';
import type { Join } from '../layers/joining.ts';
import type { Layer, Scratch } from '../layers/layer.ts';
import type { Cell, Model } from '../models/cell.ts';
import { parameterSpecs } from '../models/describe.ts';
import { layersInputShape } from '../models/runCell.ts';

/** What a cell takes for one micro-batch, in milliseconds. */
export interface CellTimes {
  readonly forward: number;
  /** The whole backward pass. */
  readonly backward: number;
  /** Its two halves. */
  readonly backwardInput: number;
  readonly backwardWeights: number;
}

/** One layer's part in a cell: what it computes, and which tensors it makes and keeps. */
export interface LayerFootprint {
  /** Floating-point operations of a forward pass. */
  readonly operations: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** Of its trainable parameters. */
  readonly weightBytes: number;
  /** What it keeps for the backward pass as handles on values that a neighbour may keep as well. */
  readonly keepsInput: boolean;
  readonly keepsOutput: boolean;
  /** What it keeps beyond that, and nobody else. */
  readonly ownBytes: number;
  /** Whether the output is the input itself, under another handle. */
  readonly passesThrough: boolean;
  /** Whether its weight gradients can wait: then what it keeps, and its output's gradient, are held until then. */
  readonly weightsLater: boolean;
  /** Bytes for a moment, beside input and output or their gradients. */
  readonly scratch: Scratch;
}

/** What a cell takes for one micro-batch, in bytes, counted exactly. */
export interface CellFootprint {
  readonly name: string;
  /** Trainable values. */
  readonly parameters: number;
  /** Of the trainable parameters and the buffers. */
  readonly parameterBytes: number;
  /** Of the trainable parameters' gradients, gathered over the mini-batch. */
  readonly gradientBytes: number;
  readonly optimizerBytes: number;
  /** What this cell alone would keep for its backward pass. Neighbours share tensors: over a stage it is less than the sum. */
  readonly activationBytes: number;
  /** Without the skip that it pops. */
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** Of what it leaves under a skip's name: the output again, or 0. */
  readonly stashBytes: number;
  readonly stash?: string;
  readonly pop?: string;
  /** Of what the popped skip goes through, and how it is joined to the input: as a cell says. */
  readonly popThrough?: readonly LayerFootprint[];
  readonly join?: Join;
  readonly layers: readonly LayerFootprint[];
}

/** All that is known of a cell's cost. */
export interface PlannedCell extends CellFootprint, CellTimes {}

/** float32, int32. */
const bytesPerValue = 4;

/** How many numbers each optimizer keeps for a parameter: those of its slots (see optimizers/). */
export const optimizerSlots = (optimizer: OptimizerSpec): number => {
  switch (optimizer.name) {
    case 'sgd':
      return optimizer.momentum > 0 ? 1 : 0;
    case 'rmsprop':
      return 1;
    case 'adam':
    case 'adamw':
      return 2;
  }
};

/**
 * Every cell of a model, counted for one micro-batch.
 *
 * @param inputShape (batch, …spatial, channels)
 */
export const cellFootprints = (
  model: Pick<Model, 'cells'>,
  inputShape: Shape,
  optimizer: OptimizerSpec,
): CellFootprint[] => {
  const skips = new Map<string, Shape>();
  let shape = inputShape;
  return model.cells.map((cell) => {
    const skip = cell.pop === undefined ? undefined : skips.get(cell.pop);
    const { footprint, output } = footprintOf(cell, shape, skip, optimizerSlots(optimizer));
    if (cell.stash !== undefined) skips.set(cell.stash, output);
    shape = output;
    return footprint;
  });
};

const footprintOf = (
  cell: Cell,
  input: Shape,
  skip: Shape | undefined,
  slots: number,
): { footprint: CellFootprint; output: Shape } => {
  const { output, layers } = rowOf(cell.layers, layersInputShape(cell, input, skip));
  const popThrough = skip && cell.popThrough ? rowOf(cell.popThrough, skip).layers : [];
  const specs = parameterSpecs([cell]);
  const valuesOf = (role?: 'parameter'): number =>
    specs.filter((spec) => !role || spec.role === role).reduce((sum, spec) => sum + sizeOf(spec.shape), 0);
  const parameters = valuesOf('parameter');
  const outputBytes = bytesPerValue * sizeOf(output);
  const footprint: CellFootprint = {
    name: cell.name,
    parameters,
    parameterBytes: bytesPerValue * valuesOf(),
    gradientBytes: bytesPerValue * parameters,
    optimizerBytes: bytesPerValue * slots * parameters,
    activationBytes: keptBytes(layers) + keptBytes(popThrough),
    inputBytes: bytesPerValue * sizeOf(input),
    outputBytes,
    stashBytes: cell.stash === undefined ? 0 : outputBytes,
    ...(cell.stash !== undefined && { stash: cell.stash }),
    ...(cell.pop !== undefined && { pop: cell.pop }),
    ...(popThrough.length > 0 && { popThrough }),
    ...(cell.join !== undefined && { join: cell.join }),
    layers,
  };
  return { footprint, output };
};

const rowOf = (row: readonly Layer[], input: Shape): { layers: LayerFootprint[]; output: Shape } => {
  let shape = input;
  const layers = row.map((layer) => {
    const footprint = layerFootprint(layer, shape);
    shape = layer.outputShape(shape);
    return footprint;
  });
  return { layers, output: shape };
};

const layerFootprint = (layer: Layer, input: Shape): LayerFootprint => {
  const { input: keepsInput, output: keepsOutput, bytes: ownBytes, passesThrough = false } = layer.kept(input);
  const trainable = layer.parameters.filter(({ role }) => role === 'parameter');
  return {
    operations: layer.operations(input),
    inputBytes: bytesPerValue * sizeOf(input),
    outputBytes: bytesPerValue * sizeOf(layer.outputShape(input)),
    weightBytes: bytesPerValue * trainable.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    ...{ keepsInput, keepsOutput, ownBytes, passesThrough },
    weightsLater: layer.weightsLater,
    scratch: layer.scratch?.(input) ?? { forward: 0, backward: 0 },
  };
};

/** The distinct tensors that a row of layers keeps: what one keeps as its output, the next may keep as its input. */
const keptBytes = (layers: readonly LayerFootprint[]): number => {
  let [bytes, inputHeld] = [0, false];
  for (const layer of layers) {
    if (layer.keepsInput && !inputHeld) bytes += layer.inputBytes;
    if (layer.keepsOutput) bytes += layer.outputBytes;
    bytes += layer.ownBytes;
    inputHeld = layer.keepsOutput || (layer.passesThrough && (inputHeld || layer.keepsInput));
  }
  return bytes;
};
