import type { Action, Schedule } from './action.ts';
import { oneStageEach } from './scheduleRequest.ts';
import type { ScheduleRequest } from './scheduleRequest.ts';

/**
 * 1F1B (PipeDream-flush, Narayanan et al. 2021): a stage begins with as many forward passes as it takes for the first
 * gradient to come back, then does one forward and one backward pass in turn, then the backward passes that are left:
 *
 *     clock     0    1    2    3    4    5    6    7    8    9    10   11
 *     worker 0  0F0  0F1  0F2  .    .    0B0  0F3  0B1  .    0B2  .    0B3
 *     worker 1  .    1F0  1F1  .    1B0  1F2  1B1  1F3  1B2  .    1B3  .
 *     worker 2  .    .    2F0  2B0  2F1  2B1  2F2  2B2  2F3  2B3  .    .
 *
 * The bubble is GPipe's, but stage s of K keeps only min(M, K − s) micro-batches alive, not M.
 * Backward passes come in the order of the micro-batches. One stage a worker.
 */
export const oneForwardOneBackward = (request: ScheduleRequest): Schedule => {
  const placement = oneStageEach('1f1b', request);
  const { stages, microBatches } = request;
  const workers: Action[][] = [];
  for (const [stage, worker] of placement.entries()) workers[worker] = actionsOf(stage, stages, microBatches);
  return { name: '1f1b', microBatches, placement, workers };
};

/** The forward passes before a stage's first backward pass, and that one's own. */
export const oneForwardOneBackwardPeak = ({ stages, microBatches }: ScheduleRequest, stage: number): number =>
  Math.min(microBatches, stages - stage);

const actionsOf = (stage: number, stages: number, microBatches: number): Action[] => {
  const ahead = Math.min(microBatches, stages - stage - 1);
  const actions: Action[] = [];
  for (let microBatch = 0; microBatch < microBatches + ahead; microBatch += 1) {
    if (microBatch < microBatches) actions.push({ stage, kind: 'F', microBatch });
    if (microBatch >= ahead) actions.push({ stage, kind: 'B', microBatch: microBatch - ahead });
  }
  return actions;
};
