import type { Action, Schedule } from './action.ts';

/** The most micro-batches kept alive at once, between their forward pass and the end of their backward pass. */
export interface PeakActivations {
  readonly stages: readonly number[];
  /** Over all stages of a worker together. */
  readonly workers: readonly number[];
}

/**
 * How many micro-batches are alive during each action of a list. A forward pass begins to keep one, B or (where the backward
 * pass is split) W lets go of it. A matter of the list's order alone, whatever the timing. In a list without backward passes
 * nothing is kept beyond the pass itself.
 */
export const liveDuring = (actions: readonly Action[]): number[] => {
  if (actions.every(({ kind }) => kind === 'F')) return actions.map(() => 1);
  let live = 0;
  return actions.map(({ kind }) => {
    if (kind === 'F') live += 1;
    const during = live;
    if (kind === 'B' || kind === 'W') live -= 1;
    return during;
  });
};

/** The peaks of a whole schedule, stage by stage and worker by worker. */
export const peakActivations = ({ placement, workers }: Schedule): PeakActivations => ({
  stages: placement.map((worker, stage) => peakOf((workers[worker] ?? []).filter((action) => action.stage === stage))),
  workers: workers.map(peakOf),
});

const peakOf = (actions: readonly Action[]): number => Math.max(0, ...liveDuring(actions));
