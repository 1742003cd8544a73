import type { Action, ActionKind } from './action.ts';
import { workersOf } from './scheduleRequest.ts';

/** 0, 1, … count − 1. */
export const ascending = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Tick by tick, the i-th stage of a row takes the j-th micro-batch at tick i + j. Within a tick, in the order of the row. */
export const wavefront = (kind: ActionKind, stages: readonly number[], microBatches: readonly number[]): Action[] =>
  ascending(stages.length + microBatches.length - 1).flatMap((tick) =>
    stages.flatMap((stage, i) => {
      const microBatch = microBatches[tick - i];
      return microBatch === undefined ? [] : [{ stage, kind, microBatch }];
    }),
  );

/** Gives each worker the actions of its stages, in the order of the list. */
export const dealOut = (actions: readonly Action[], placement: readonly number[]): Action[][] =>
  ascending(workersOf(placement)).map((worker) => actions.filter(({ stage }) => placement[stage] === worker));
