import type { Shape, Tensor } from '../engine/tensor.ts';
import { joinedShape, joinTensors, splitGradient } from '../layers/joining.ts';
import { channelsOf } from '../layers/geometry.ts';
import type { Layer, Pass, Saved } from '../layers/layer.ts';
import {
  backwardInputSequence,
  backwardSequence,
  backwardWeightsSequence,
  disposeSaved,
  forwardSequence,
  sequenceOperations,
  sequenceOutputShape,
  type BackwardOptions,
  type Held,
} from '../layers/sequence.ts';
import type { Cell } from './cell.ts';

/** What a cell keeps between forward and backward: owned by whoever holds it, until `backwardCell` or `disposeCellSaved`. */
export interface CellSaved {
  readonly layers: readonly Saved[];
  /** Of what the popped skip goes through. */
  readonly popThrough: readonly Saved[];
  /** The channels of the input, before those of the popped skip. */
  readonly inputChannels: number;
}

export interface CellForward {
  readonly output: Tensor;
  /** A handle of its own on the output's values, where the cell stashes. */
  readonly stash?: Tensor;
  readonly saved: CellSaved;
}

export interface CellBackward<Input = Tensor> {
  readonly input: Input;
  /** The gradient of the skip, where the cell pops. */
  readonly skip?: Tensor;
}

/** What a cell says of how it takes a skip in. */
export type Joining = Pick<Cell, 'name' | 'join'> & { readonly popThrough?: readonly Pick<Layer, 'outputShape'>[] };

/** The shape that a cell's layers see: the input's, joined with what the skip has become. */
export const layersInputShape = (
  { name, popThrough = [], join = 'concatenate' }: Joining,
  input: Shape,
  skip?: Shape,
): Shape => {
  const popped = skip && popThrough.reduce((shape, layer) => layer.outputShape(shape), skip);
  return popped ? joinedShape(name, join, input, popped) : input;
};

/** The shape of a cell's output, and of what it stashes. */
export const cellOutputShape = (cell: Cell, input: Shape, skip?: Shape): Shape =>
  sequenceOutputShape(cell.layers, layersInputShape(cell, input, skip));

/** Operations of a forward pass through a cell: the analytic cost. */
export const cellOperations = (cell: Cell, input: Shape, skip?: Shape): number =>
  (skip ? sequenceOperations(cell.popThrough ?? [], skip) : 0) +
  sequenceOperations(cell.layers, layersInputShape(cell, input, skip));

/** `input` and `skip` stay the caller's, who owns all that is returned. */
export function forwardCell(pass: Pass, cell: Cell, input: Tensor, skip?: Tensor): CellForward {
  if ((cell.pop === undefined) !== (skip === undefined))
    throw new Error(
      cell.pop === undefined
        ? `cell ${cell.name} pops no skip, but was given one`
        : `cell ${cell.name} needs skip ${cell.pop}`,
    );
  const { engine } = pass;
  return engine.tidy(() => {
    const run =
      cell.trainingOnly && pass.mode === 'evaluate'
        ? passedThrough(pass, input)
        : forwardLayers(pass, cell, input, skip);
    return cell.stash === undefined ? run : { ...run, stash: engine.share(run.output) };
  });
}

const passedThrough = ({ engine }: Pass, input: Tensor): CellForward => ({
  output: engine.share(input),
  saved: { layers: [], popThrough: [], inputChannels: channelsOf(input.shape) },
});

function forwardLayers(pass: Pass, cell: Cell, input: Tensor, skip: Tensor | undefined): CellForward {
  const { joined, popThrough } = joinSkip(pass, cell, input, skip);
  const { output, saved: layers } = forwardSequence(pass, cell.layers, joined);
  joined.dispose();
  return { output, saved: { layers, popThrough, inputChannels: channelsOf(input.shape) } };
}

/** What the layers are given; the caller owns it. */
function joinSkip(
  pass: Pass,
  cell: Cell,
  input: Tensor,
  skip: Tensor | undefined,
): { joined: Tensor; popThrough: readonly Saved[] } {
  const { engine } = pass;
  if (!skip) return { joined: engine.share(input), popThrough: [] };
  const through = forwardSequence(pass, cell.popThrough ?? [], skip);
  const joined = joinTensors(engine, cell.name, cell.join ?? 'concatenate', input, through.output);
  through.output.dispose();
  return { joined, popThrough: through.saved };
}

/**
 * Adds the parameters' gradients to the store. Takes over `saved` and both gradients, and disposes each as soon as it has been
 * read; the caller owns what it returns. `input` is undefined where it was said not to be needed (never where the cell pops).
 */
export function backwardCell(
  pass: Pass,
  cell: Cell,
  saved: CellSaved,
  outputGradient: Tensor,
  stashGradient?: Tensor,
  options: BackwardOptions = {},
): CellBackward<Tensor | undefined> {
  const { needInput = true } = options;
  const dy = addStash(pass, outputGradient, stashGradient);
  const input = backwardSequence(pass, cell.layers, saved.layers, dy, {
    needInput: needInput || cell.pop !== undefined,
  });
  if (!input) return { input };
  const { front, behind } = splitJoined(pass, cell, saved, input);
  if (!behind) return { input: front };
  return { input: front, skip: backwardSequence(pass, cell.popThrough ?? [], saved.popThrough, behind)! };
}

/** The first half of `backwardCell`; what it holds goes to the second, `backwardCellWeights`, or to `disposeHeld`. */
export function backwardCellInput(
  pass: Pass,
  cell: Cell,
  saved: CellSaved,
  outputGradient: Tensor,
  stashGradient?: Tensor,
): CellBackward & { readonly held: readonly Held[] } {
  const dy = addStash(pass, outputGradient, stashGradient);
  const { input, held } = backwardInputSequence(pass, cell.layers, saved.layers, dy);
  const { front, behind } = splitJoined(pass, cell, saved, input);
  if (!behind) return { input: front, held };
  const skip = backwardInputSequence(pass, cell.popThrough ?? [], saved.popThrough, behind);
  return { input: front, skip: skip.input, held: [...held, ...skip.held] };
}

/** The second half: adds the gradients of the weights to the store. Takes over `held`. */
export const backwardCellWeights = (pass: Pass, held: readonly Held[]): void => backwardWeightsSequence(pass, held);

/** Lets go of what a cell kept and no backward pass will read. */
export const disposeCellSaved = (saved: CellSaved): void => disposeSaved([...saved.layers, ...saved.popThrough]);

/** The output was used twice, so its gradients add up. Takes both over. */
function addStash({ engine }: Pass, outputGradient: Tensor, stashGradient: Tensor | undefined): Tensor {
  if (!stashGradient) return outputGradient;
  const sum = engine.math.add(outputGradient, stashGradient);
  outputGradient.dispose();
  stashGradient.dispose();
  return sum;
}

/** Cuts the gradient of what was joined into the input's and the skip's. Takes it over. */
function splitJoined(
  { engine }: Pass,
  { pop, join = 'concatenate' }: Cell,
  saved: CellSaved,
  joined: Tensor,
): { front: Tensor; behind?: Tensor } {
  if (pop === undefined) return { front: joined };
  const [front, behind] = splitGradient(engine, join, joined, saved.inputChannels);
  return { front, behind };
}
