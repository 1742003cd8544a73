import type { Action } from './action.ts';

/** How long the actions of a stage take for one micro-batch, in any unit. (A StageCost is one, in milliseconds.) */
export interface StageDurations {
  readonly forward: number;
  /** The whole backward pass. */
  readonly backward: number;
  /** Its two halves. */
  readonly backwardInput: number;
  readonly backwardWeights: number;
}

/** The units that papers count in: F = I = W = 1, B = 2. */
export const unitDurations: StageDurations = { forward: 1, backward: 2, backwardInput: 1, backwardWeights: 1 };

/** Every action one tick, the whole backward pass too. */
export const oneTick: StageDurations = { forward: 1, backward: 1, backwardInput: 1, backwardWeights: 1 };

/** One for all stages, or one for each; where a list is too short, units. */
export type Durations = StageDurations | readonly StageDurations[];

export const durationOf = (durations: Durations, { stage, kind }: Action): number => {
  const own = isList(durations) ? (durations[stage] ?? unitDurations) : durations;
  return { F: own.forward, B: own.backward, I: own.backwardInput, W: own.backwardWeights }[kind];
};

const isList = (durations: Durations): durations is readonly StageDurations[] => Array.isArray(durations);
