import type { MessageBytes, StageCost } from '../pipeline/stageCost.ts';
import type { CellFootprint, PlannedCell } from './cellCost.ts';
import type { CellRange, Partition } from './partition.ts';
import { stageMemory } from './stageMemory.ts';

/** All that is known of what a model costs for one micro-batch. */
export interface ModelCost {
  readonly cells: readonly PlannedCell[];
  readonly loss: LossCost;
  /** The optimizer's time for a million parameters, in milliseconds. */
  readonly updatePerMillion: number;
}

/** What comes behind the last cell: the loss and its gradient. */
export interface LossCost {
  readonly milliseconds: number;
  /** Bytes beside the logits and their gradient, for a moment. */
  readonly scratchBytes: number;
}

/** As many arrays of the size of the logits are alive at most in LAMP's loss, beside logits and gradient. */
const arraysOfLoss = 4;

/** A loss whose time is not known. */
export const unmeasuredLoss = (cells: readonly CellFootprint[]): LossCost => ({
  milliseconds: 0,
  scratchBytes: arraysOfLoss * (cells.at(-1)?.outputBytes ?? 0),
});

/** What a stage of these cells costs: times and parameters add up, tensors that neighbours share count once. */
export const stageCostOf = ({ cells, loss, updatePerMillion }: ModelCost, { start, end }: CellRange): StageCost => {
  const own = cells.slice(start, end);
  const last = end === cells.length;
  const total = (figure: (cell: PlannedCell) => number): number => own.reduce((sum, cell) => sum + figure(cell), 0);
  const memory = stageMemory(own, {
    first: start === 0,
    lossScratch: last ? loss.scratchBytes : undefined,
    skips: skipMap(cells),
  });
  return {
    forward: total(({ forward }) => forward) + (last ? loss.milliseconds : 0),
    backward: total(({ backward }) => backward),
    backwardInput: total(({ backwardInput }) => backwardInput),
    backwardWeights: total(({ backwardWeights }) => backwardWeights),
    update: (total(({ parameters }) => parameters) / 1e6) * updatePerMillion,
    parameterBytes: total(({ parameterBytes }) => parameterBytes),
    gradientBytes: total(({ gradientBytes }) => gradientBytes),
    optimizerBytes: total(({ optimizerBytes }) => optimizerBytes),
    ...memory,
  };
};

/** What passes between the stages of a partition. */
export const messageBytesOf = (cells: readonly CellFootprint[], { stages }: Partition): MessageBytes => ({
  outputs: stages.map(({ end }) => cells[end - 1]?.outputBytes ?? 0),
  skips: skipBytes(cells),
});

const skipBytes = (cells: readonly CellFootprint[]): Record<string, number> =>
  Object.fromEntries(cells.flatMap(({ stash, stashBytes }) => (stash === undefined ? [] : [[stash, stashBytes]])));

const known = new WeakMap<readonly CellFootprint[], ReadonlyMap<string, number>>();

/** The same for every stage of a model: a search asks for thousands. */
const skipMap = (cells: readonly CellFootprint[]): ReadonlyMap<string, number> => {
  const skips = known.get(cells) ?? new Map(Object.entries(skipBytes(cells)));
  known.set(cells, skips);
  return skips;
};
