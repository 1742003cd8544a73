import type { Schedule } from './action.ts';
import { peakActivations } from './activations.ts';
import { ScheduleError } from './faults.ts';
import { workersOf } from './scheduleRequest.ts';
import type { ScheduleRequest } from './scheduleRequest.ts';
import { parseSchedule, ScheduleTextError } from './scheduleText.ts';
import type { ScheduleFamily } from './schedules.ts';
import { validateSchedule } from './validate.ts';

/*
 * A schedule of the user's own: a file in the text form of scheduleText.ts. It is written for one placement and a number of
 * micro-batches, and holds for fewer of them as well, for no action needs one of another micro-batch.
 */

/** A schedule file that cannot be used: what is wrong in it, or how it does not fit the run. */
export class UserScheduleError extends Error {
  override readonly name = 'UserScheduleError';
  readonly file: string;

  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`${file}: ${reason}`, options);
    this.file = file;
  }
}

/**
 * The schedule in a file's text, as a family like those in the catalogue. Throws a UserScheduleError, with a
 * ScheduleTextError as its cause where the text has not the form, and a ScheduleError where the schedule breaks the rules of
 * validate.ts with queues as long as it likes. (With the run's own queues and skips it is checked again when the run is.)
 */
export const userSchedule = (text: string, file: string): ScheduleFamily => {
  const schedule = soundSchedule(text, file);
  const peaks = peakActivations(schedule);
  const perWorker = [...new Set(schedule.workers.map((_, worker) => countOf(schedule.placement, worker)))];
  return {
    passes: 'training',
    stagesPerWorker: perWorker.length === 1 ? (perWorker[0] ?? 'any') : 'any',
    placement: (workers) => {
      const own = workersOf(schedule.placement);
      if (workers === own) return schedule.placement;
      throw new UserScheduleError(file, `${own} workers, in a run of ${workers} (pipeline.workers); give ${own} there`);
    },
    generate: (request) => fitted(schedule, request, file),
    peakActivations: ({ microBatches }, stage) => Math.min(microBatches, peaks.stages[stage] ?? 0),
    peakOnWorker: ({ microBatches }, worker) =>
      Math.min(countOf(schedule.placement, worker) * microBatches, peaks.workers[worker] ?? 0),
  };
};

const soundSchedule = (text: string, file: string): Schedule => {
  try {
    const schedule = parseSchedule(text);
    validateSchedule(schedule, { queueCapacity: schedule.workers.flat().length });
    return schedule;
  } catch (cause) {
    if (cause instanceof ScheduleTextError || cause instanceof ScheduleError)
      throw new UserScheduleError(file, cause.message, { cause });
    throw cause;
  }
};

/** Without the micro-batches that there are not. */
const fitted = (schedule: Schedule, { stages, microBatches, placement }: ScheduleRequest, file: string): Schedule => {
  const own = schedule.placement;
  if (stages !== own.length || placement?.some((worker, stage) => worker !== own[stage]))
    throw new UserScheduleError(
      file,
      `written for the placement ${own.join(' ')}, not for ${placement?.join(' ') ?? `${stages} stages`}`,
    );
  if (microBatches > schedule.microBatches)
    throw new UserScheduleError(
      file,
      `${schedule.microBatches} micro-batches, in a run of ${microBatches} (pipeline.micro_batches); ` +
        `give at most ${schedule.microBatches} there, or write the schedule for more`,
    );
  return {
    ...schedule,
    microBatches,
    workers: schedule.workers.map((actions) => actions.filter(({ microBatch }) => microBatch < microBatches)),
  };
};

const countOf = (placement: readonly number[], worker: number): number =>
  placement.filter((owner) => owner === worker).length;
