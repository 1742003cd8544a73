import type { Durations } from './durations.ts';

/** What a schedule is made for. */
export interface ScheduleRequest {
  readonly stages: number;
  /** As many as `chunk` gave. */
  readonly microBatches: number;
  /** The worker of every stage; stage s on worker s where left out (folded, for a schedule that is). */
  readonly placement?: readonly number[];
  /** What the actions take, for the schedules that make use of it (those with split backward passes); units where left out. */
  readonly durations?: Durations;
}

/** A request that no schedule of this name answers. */
export class ScheduleRequestError extends RangeError {
  override readonly name = 'ScheduleRequestError';
  readonly schedule: string;
  readonly request: ScheduleRequest;

  constructor(schedule: string, request: ScheduleRequest, reason: string) {
    super(`schedule ${schedule}: ${reason}`);
    this.schedule = schedule;
    this.request = request;
  }
}

/** The worker of every stage, checked: whole numbers from 0 on, and no worker between them without a stage. */
export const placementOf = (schedule: string, request: ScheduleRequest): readonly number[] => {
  const { stages, microBatches } = request;
  for (const [what, value] of Object.entries({ stages, 'micro-batches': microBatches }))
    if (!Number.isInteger(value) || value < 1)
      throw new ScheduleRequestError(schedule, request, `${value} ${what}; allowed are whole numbers from 1`);
  const placement = request.placement ?? Array.from({ length: stages }, (_, stage) => stage);
  const workers = new Set(placement);
  const dense = Array.from(workers.keys()).every(
    (worker) => Number.isInteger(worker) && worker >= 0 && worker < workers.size,
  );
  if (placement.length !== stages || !dense)
    throw new ScheduleRequestError(
      schedule,
      request,
      `the placement ${placement.join(' ')} does not give each of ${stages} stages a worker; ` +
        'it has one entry a stage, and its workers are numbered from 0 without a gap',
    );
  return placement;
};

/** The same, for schedules that know one stage a worker; the workers may stand in any order. */
export const oneStageEach = (schedule: string, request: ScheduleRequest): readonly number[] => {
  const placement = placementOf(schedule, request);
  if (new Set(placement).size < placement.length)
    throw new ScheduleRequestError(
      schedule,
      request,
      `the placement ${placement.join(' ')} puts several stages on one worker; this schedule has one stage a worker ` +
        '(gpipe takes any placement, interleaved_1f1b several stages)',
    );
  return placement;
};

/** How many workers a placement names. */
export const workersOf = (placement: readonly number[]): number => 1 + Math.max(...placement);
