import type { Schedule } from './action.ts';
import { forwardOnly } from './forwardOnly.ts';
import { gpipe } from './gpipe.ts';
import { oneForwardOneBackward } from './oneForwardOneBackward.ts';
import type { ScheduleRequest } from './scheduleRequest.ts';

/** A step of training needs every backward pass; evaluation has none. */
export type Passes = 'training' | 'forward';

/** A way to schedule a step. */
export interface ScheduleFamily {
  readonly passes: Passes;
  readonly generate: (request: ScheduleRequest) => Schedule;
  /** The most micro-batches that a stage keeps alive at once, as theory has it. */
  readonly peakActivations: (request: ScheduleRequest, stage: number) => number;
}

/** Every schedule that there is, by the name that a run file calls it. */
export const schedules = {
  gpipe: { passes: 'training', generate: gpipe, peakActivations: ({ microBatches }) => microBatches },
  '1f1b': {
    passes: 'training',
    generate: oneForwardOneBackward,
    peakActivations: ({ stages, microBatches }, stage) => Math.min(microBatches, stages - stage),
  },
  forward: { passes: 'forward', generate: forwardOnly, peakActivations: () => 1 },
} as const satisfies Record<string, ScheduleFamily>;

export type ScheduleName = keyof typeof schedules;

export const scheduleNames = Object.keys(schedules) as readonly ScheduleName[];
