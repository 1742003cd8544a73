import { placementOf, ScheduleRequestError } from './scheduleRequest.ts';
import type { ScheduleRequest } from './scheduleRequest.ts';
import { ascending } from './wavefront.ts';

/*
 * The placements that schedules want. A generator takes them with the workers in any order, as the planner may prefer one:
 * what counts is a worker's rank, which is the first of its stages.
 */

/** Round and round: 0 1 2 0 1 2 for three workers with two stages each. */
export const interleavedPlacement = (workers: number, stagesPerWorker: number): readonly number[] =>
  ascending(stagesPerWorker).flatMap(() => ascending(workers));

/** There and back: 0 1 2 2 1 0 for three workers. Stages s and 2K − 1 − s, which share a skip in a U-Net, lie together. */
export const foldedPlacement = (workers: number): readonly number[] => [
  ...ascending(workers),
  ...ascending(workers).toReversed(),
];

/** A request's placement, checked to be interleaved: stage s + K on the worker of stage s. One round where it is left out. */
export const interleavedPlacementOf = (schedule: string, request: ScheduleRequest): readonly number[] => {
  const placement = placementOf(schedule, request);
  const workers = new Set(placement).size;
  const first = placement.slice(0, workers);
  const fits =
    placement.length % workers === 0 &&
    new Set(first).size === workers &&
    placement.every((worker, stage) => worker === first[stage % workers]);
  if (fits) return placement;
  throw new ScheduleRequestError(
    schedule,
    request,
    `the placement ${placement.join(' ')} is not interleaved; with ${workers} workers stage s + ${workers} has to lie on the ` +
      `worker of stage s, as in ${interleavedPlacement(workers, 2).join(' ')}`,
  );
};

/** A request's placement, checked to be folded: stages s and 2K − 1 − s on one worker, two on each. */
export const foldedPlacementOf = (schedule: string, request: ScheduleRequest): readonly number[] => {
  const { stages } = request;
  const placement = placementOf(schedule, request.placement ? request : { ...request, ...foldedWhereEven(stages) });
  const outer = placement.slice(0, stages / 2);
  const fits =
    stages % 2 === 0 &&
    new Set(outer).size === outer.length &&
    outer.every((worker, stage) => worker === placement[stages - 1 - stage]);
  if (fits) return placement;
  throw new ScheduleRequestError(
    schedule,
    request,
    `the placement ${placement.join(' ')} is not folded; each worker has to have two stages, s and ` +
      `${stages % 2 === 0 ? `${stages - 1} − s` : '2K − 1 − s'}, as in 0 1 1 0`,
  );
};

const foldedWhereEven = (stages: number): Pick<ScheduleRequest, 'placement'> =>
  stages > 0 && stages % 2 === 0 ? { placement: foldedPlacement(stages / 2) } : {};

/** So many stages on a worker as a schedule does not know. */
export class StagesPerWorkerError extends RangeError {
  override readonly name = 'StagesPerWorkerError';
  readonly schedule: string;
  readonly stagesPerWorker: number;

  constructor(schedule: string, stagesPerWorker: number, allowed: number | 'any') {
    super(
      `schedule ${schedule}: ${stagesPerWorker} stages a worker; ` +
        (allowed === 'any'
          ? 'allowed are whole numbers from 1'
          : `it has exactly ${allowed} (gpipe and interleaved_1f1b take any number)`),
    );
    this.schedule = schedule;
    this.stagesPerWorker = stagesPerWorker;
  }
}
