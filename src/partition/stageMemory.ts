import type { StageCost } from '../pipeline/stageCost.ts';
import type { CellFootprint } from './cellCost.ts';
import { StagePasses } from './stagePasses.ts';
import type { Borders, StagePlace } from './stagePasses.ts';

export type StageMemory = Pick<
  StageCost,
  'activationBytes' | 'inputBytes' | 'weightBytes' | 'transientBytes' | 'holdsInput' | 'holdsOutput' | 'heldSkips'
>;

/** What a stage of these cells holds for a micro-batch, and what its passes take beyond that. */
export const stageMemory = (cells: readonly CellFootprint[], at: StagePlace): StageMemory => {
  const place = { ...at, ...bordersOf(cells) };
  const dropping = new StagePasses(cells, place);
  const inputBytes = dropping.forward(false);
  const forwardDropping = dropping.transient(inputBytes);
  const whole = new StagePasses(cells, place);
  const activationBytes = whole.forward(true);
  const again = new StagePasses(cells, place);
  again.forwardAgain();
  const forwardAgain = again.transient(activationBytes);
  const forward = whole.transient(activationBytes);
  const held = whole.heldAtBorders();
  whole.backward('whole');
  const backward = whole.transient(activationBytes);
  const split = new StagePasses(cells, place);
  split.forward(true);
  split.transient(0);
  const weightBytes = split.backward('input');
  const backwardInput = split.transient(activationBytes);
  split.backwardWeights();
  const backwardWeights = split.transient(weightBytes);
  const transientBytes = { forward, forwardDropping, forwardAgain, backward, backwardInput, backwardWeights };
  return { activationBytes, inputBytes, weightBytes, transientBytes, ...held };
};

const bordersOf = (cells: readonly CellFootprint[]): Borders => {
  const stashed = cells.flatMap(({ stash }) => stash ?? []);
  const popped = cells.flatMap(({ pop }) => pop ?? []);
  return {
    incoming: popped.filter((skip) => !stashed.includes(skip)),
    outgoing: stashed.filter((skip) => !popped.includes(skip)),
  };
};
