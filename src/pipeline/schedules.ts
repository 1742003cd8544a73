import { stagesOnWorker } from '../config/scheduleName.ts';
import type { TrainingScheduleName } from '../config/scheduleName.ts';
import type { Schedule } from './action.ts';
import { folded, foldedWorkerPeak } from './folded.ts';
import { foldedPeak } from './foldedOrder.ts';
import { forwardOnly } from './forwardOnly.ts';
import { gpipe } from './gpipe.ts';
import { interleaved, interleavedPeak, interleavedWorkerPeak } from './interleaved.ts';
import { oneForwardOneBackward, oneForwardOneBackwardPeak } from './oneForwardOneBackward.ts';
import { foldedPlacement, interleavedPlacement, StagesPerWorkerError } from './placements.ts';
import { placementOf } from './scheduleRequest.ts';
import type { ScheduleRequest } from './scheduleRequest.ts';
import { zeroBubbleH1, zeroBubbleH1Peak } from './zeroBubbleH1.ts';
import { zeroBubbleV, zeroBubbleVWorkerPeak } from './zeroBubbleV.ts';

/** A step of training needs every backward pass; evaluation has none. */
export type Passes = 'training' | 'forward';

/** A way to schedule a step. */
export interface ScheduleFamily {
  readonly passes: Passes;
  /** How many stages it puts on a worker. */
  readonly stagesPerWorker: number | 'any';
  /** The worker of every stage, as the schedule wants it. Throws a StagesPerWorkerError for a number that it does not know. */
  readonly placement: (workers: number, stagesPerWorker: number) => readonly number[];
  readonly generate: (request: ScheduleRequest) => Schedule;
  /** The most micro-batches that a stage keeps alive at once, as theory has it: never more, and as many given enough of them. */
  readonly peakActivations: (request: ScheduleRequest, stage: number) => number;
  /** The most that a worker keeps alive at once, over all of its stages together. Likewise. */
  readonly peakOnWorker: (request: ScheduleRequest, worker: number) => number;
}

/** Every schedule that there is, by the name that a run file calls it. */
export const schedules = {
  gpipe: {
    ...placedBy('gpipe', interleavedPlacement),
    passes: 'training',
    generate: gpipe,
    peakActivations: ({ microBatches }) => microBatches,
    peakOnWorker: (request, worker) => stagesOf(request, worker) * request.microBatches,
  },
  '1f1b': {
    ...placedBy('1f1b', interleavedPlacement),
    passes: 'training',
    generate: oneForwardOneBackward,
    peakActivations: oneForwardOneBackwardPeak,
    peakOnWorker: (request, worker) => oneForwardOneBackwardPeak(request, placementOf('1f1b', request).indexOf(worker)),
  },
  interleaved_1f1b: {
    ...placedBy('interleaved_1f1b', interleavedPlacement),
    passes: 'training',
    generate: interleaved,
    peakActivations: interleavedPeak,
    peakOnWorker: interleavedWorkerPeak,
  },
  v_1f1b: {
    ...placedBy('v_1f1b', foldedPlacement),
    passes: 'training',
    generate: folded,
    peakActivations: foldedPeak,
    peakOnWorker: foldedWorkerPeak,
  },
  zb_h1: {
    ...placedBy('zb_h1', interleavedPlacement),
    passes: 'training',
    generate: zeroBubbleH1,
    peakActivations: zeroBubbleH1Peak,
    peakOnWorker: zeroBubbleH1Peak,
  },
  zb_v: {
    ...placedBy('zb_v', foldedPlacement),
    passes: 'training',
    generate: zeroBubbleV,
    peakActivations: foldedPeak,
    peakOnWorker: zeroBubbleVWorkerPeak,
  },
  forward: {
    ...placedBy('forward', interleavedPlacement),
    passes: 'forward',
    generate: forwardOnly,
    peakActivations: () => 1,
    peakOnWorker: () => 1,
  },
} as const satisfies Record<TrainingScheduleName | 'forward', ScheduleFamily>;

export type ScheduleName = keyof typeof schedules;

export const scheduleNames = Object.keys(schedules) as readonly ScheduleName[];

function placedBy(
  schedule: TrainingScheduleName | 'forward',
  place: (workers: number, stagesPerWorker: number) => readonly number[],
): Pick<ScheduleFamily, 'stagesPerWorker' | 'placement'> {
  const allowed = schedule === 'forward' ? 'any' : stagesOnWorker[schedule];
  const placement = (workers: number, stagesPerWorker: number): readonly number[] => {
    const whole = Number.isInteger(stagesPerWorker) && stagesPerWorker > 0;
    if (!whole || (allowed !== 'any' && stagesPerWorker !== allowed))
      throw new StagesPerWorkerError(schedule, stagesPerWorker, allowed);
    return place(workers, stagesPerWorker);
  };
  return { stagesPerWorker: allowed, placement };
}

function stagesOf(request: ScheduleRequest, worker: number): number {
  return placementOf('gpipe', request).filter((owner) => owner === worker).length;
}
