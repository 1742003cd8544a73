import type { Shape, Tensor } from '../engine/tensor.ts';
import { concatenateChannels, splitChannels } from '../layers/concatenation.ts';
import { channelsOf } from '../layers/geometry.ts';
import type { Pass, Saved } from '../layers/layer.ts';
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

/** The shape that a cell's layers see: the input's, with the channels of the skip behind. */
const joinedShape = (input: Shape, skip?: Shape): Shape =>
  skip ? [...input.slice(0, -1), channelsOf(input) + channelsOf(skip)] : input;

/** The shape of a cell's output, and of what it stashes. */
export const cellOutputShape = (cell: Cell, input: Shape, skip?: Shape): Shape =>
  sequenceOutputShape(cell.layers, joinedShape(input, skip));

/** Operations of a forward pass through a cell: the analytic cost. */
export const cellOperations = (cell: Cell, input: Shape, skip?: Shape): number =>
  sequenceOperations(cell.layers, joinedShape(input, skip));

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
    const joined = skip ? concatenateChannels(engine, cell.name, input, skip) : engine.share(input);
    const { output, saved: layers } = forwardSequence(pass, cell.layers, joined);
    joined.dispose();
    const saved = { layers, inputChannels: channelsOf(input.shape) };
    return cell.stash === undefined ? { output, saved } : { output, saved, stash: engine.share(output) };
  });
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
  return input ? splitGradient(pass, cell, saved, input) : { input };
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
  return { ...splitGradient(pass, cell, saved, input), held };
}

/** The second half: adds the gradients of the weights to the store. Takes over `held`. */
export const backwardCellWeights = (pass: Pass, held: readonly Held[]): void => backwardWeightsSequence(pass, held);

/** Lets go of what a cell kept and no backward pass will read. */
export const disposeCellSaved = (saved: CellSaved): void => disposeSaved(saved.layers);

/** The output was used twice, so its gradients add up. Takes both over. */
function addStash({ engine }: Pass, outputGradient: Tensor, stashGradient: Tensor | undefined): Tensor {
  if (!stashGradient) return outputGradient;
  const sum = engine.math.add(outputGradient, stashGradient);
  outputGradient.dispose();
  stashGradient.dispose();
  return sum;
}

/** Cuts the gradient of the joined channels into the input's and the skip's. Takes it over. */
function splitGradient({ engine }: Pass, cell: Cell, saved: CellSaved, joined: Tensor): CellBackward {
  if (cell.pop === undefined) return { input: joined };
  const [input, skip] = splitChannels(engine, joined, saved.inputChannels);
  joined.dispose();
  return { input, skip };
}
