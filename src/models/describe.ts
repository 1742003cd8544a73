import { sizeOf, type Shape } from '../engine/tensor.ts';
import type { ParameterSpec } from '../layers/parameter.ts';
import { layersOf, type Cell, type Model } from './cell.ts';
import { cellOperations, cellOutputShape } from './runCell.ts';

/** What a cell does to an input of a given size, reckoned without an engine. */
export interface CellDescription {
  readonly name: string;
  /** (batch, …spatial, channels). */
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  /** Elements of parameters that are learnt; buffers are not counted. */
  readonly parameters: number;
  /** Floating-point operations of a forward pass; a multiplication and an addition count as two. */
  readonly operations: number;
}

/** An input that does not fit the network. */
export class InputShapeError extends Error {
  override readonly name = 'InputShapeError';
  readonly got: Shape;

  constructor(message: string, got: Shape) {
    super(message);
    this.got = got;
  }
}

/** Every cell for an input (batch, …spatial, channels). Throws an InputShapeError where the input does not fit the network. */
export const describeModel = (model: Model, input: Shape): CellDescription[] => {
  checkInput(model, input);
  const skips = new Map<string, Shape>();
  let inputShape = input;
  return model.cells.map((cell) => {
    const skip = cell.pop === undefined ? undefined : skips.get(cell.pop);
    const outputShape = cellOutputShape(cell, inputShape, skip);
    const description = {
      name: cell.name,
      inputShape,
      outputShape,
      parameters: countParameters([cell]),
      operations: cellOperations(cell, inputShape, skip),
    };
    if (cell.stash !== undefined) skips.set(cell.stash, outputShape);
    inputShape = outputShape;
    return description;
  });
};

/** The parameters and buffers of these cells, in order. */
export const parameterSpecs = (cells: readonly Cell[]): ParameterSpec[] =>
  cells.flatMap((cell) => layersOf(cell).flatMap((layer) => layer.parameters));

/** Elements of the parameters that are learnt. */
export const countParameters = (cells: readonly Cell[]): number =>
  parameterSpecs(cells)
    .filter((spec) => spec.role === 'parameter')
    .reduce((total, spec) => total + sizeOf(spec.shape), 0);

/** Throws an InputShapeError unless an input (batch, …spatial, channels) fits the network. */
export const checkInput = (model: Model, input: Shape): void => {
  const { name, spatialDims, inChannels, divisor } = model;
  const axes = ['batch', ...['depth', 'height', 'width'].slice(3 - spatialDims), inChannels].join(', ');
  if (input.length !== spatialDims + 2 || input.at(-1) !== inChannels || input.some((size) => size < 1))
    throw new InputShapeError(`${name} cannot take an input of shape (${input.join(', ')}): expected (${axes})`, input);
  const spatial = input.slice(1, -1);
  if (spatial.every((size) => size % divisor === 0)) return;
  const nearest = spatial.map((size) => Math.ceil(size / divisor) * divisor);
  throw new InputShapeError(
    `${name} halves its input too often for ${spatial.join(' × ')}: every size must be a multiple of ${divisor}; ${nearest.join(' × ')} is the next that fits${name === 'unetpipe' ? ', or take a smaller model.depth' : ''}`,
    input,
  );
};
