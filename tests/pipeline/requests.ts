import type { ScheduleRequest } from '../../src/pipeline/scheduleRequest.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import type { ScheduleName } from '../../src/pipeline/schedules.ts';
import { ascending } from '../../src/pipeline/wavefront.ts';

export interface GridRequest extends ScheduleRequest {
  readonly placement: readonly number[];
  readonly workers: number;
  readonly stagesPerWorker: number;
}

const upTo = (most: number): number[] => ascending(most).map((index) => index + 1);

/** A schedule's own placement for so many workers and stages each. */
export const requestOf = (
  name: ScheduleName,
  { workers, stagesPerWorker, microBatches }: { workers: number; stagesPerWorker: number; microBatches: number },
): GridRequest => {
  const placement = schedules[name].placement(workers, stagesPerWorker);
  return { stages: placement.length, placement, workers, stagesPerWorker, microBatches };
};

/** The grid over which schedules are proved: every number of stages a worker that a schedule knows, from 1 to 3. */
export const gridOf = (name: ScheduleName, { workers = 8, microBatches = upTo(16) } = {}): GridRequest[] =>
  upTo(workers).flatMap((count) =>
    [1, 2, 3]
      .filter((stages) => schedules[name].stagesPerWorker === 'any' || schedules[name].stagesPerWorker === stages)
      .flatMap((stagesPerWorker) =>
        microBatches.map((each) => requestOf(name, { workers: count, stagesPerWorker, microBatches: each })),
      ),
  );
