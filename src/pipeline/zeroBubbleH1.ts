import type { Action, Schedule } from './action.ts';
import { ActionList, times } from './actionList.ts';
import { unitDurations } from './durations.ts';
import { oneStageEach } from './scheduleRequest.ts';
import type { ScheduleRequest } from './scheduleRequest.ts';
import { withWeightsInGaps } from './weightsInGaps.ts';

/**
 * ZB-H1 (Qi et al. 2024, "Zero bubble pipeline parallelism"): 1F1B with its backward pass split, where the worker of rank r
 * lets r input gradients go by before its first weight gradient. So gradients travel up at once, and weights are left for
 * when there would be nothing to do:
 *
 *     clock     0    1    2    3    4    5    6    7    8    9    10   11   12   13
 *     worker 0  0F0  0F1  0F2  .    .    0I0  0W0  0F3  0I1  0W1  0I2  0W2  0I3  0W3
 *     worker 1  .    1F0  1F1  .    1I0  1F2  1I1  1W0  1F3  1I2  1W1  1I3  1W2  1W3
 *     worker 2  .    .    2F0  2I0  2F1  2I1  2F2  2I2  2W0  2F3  2I3  2W1  2W2  2W3
 *
 * The bubble is (p − 1)(F + I − W), a third of that of 1F1B where F = I = W. Every worker keeps min(m, p) micro-batches
 * alive: what the first worker of 1F1B does. Where `durations` are given the weights lie in the gaps that these leave, if
 * that is faster. One stage a worker.
 */
export const zeroBubbleH1 = (request: ScheduleRequest): Schedule => {
  const placement = oneStageEach('zb_h1', request);
  const { stages, microBatches, durations = unitDurations } = request;
  const workers: Action[][] = [];
  for (const [stage, worker] of placement.entries()) workers[worker] = [...actionsOf(stage, stages, microBatches)];
  const schedule = { name: 'zb_h1', microBatches, placement, workers };
  const most = zeroBubbleH1Peak(request);
  return withWeightsInGaps(schedule, durations, { stage: () => most, worker: () => most });
};

/** On any stage, and so on any worker. */
export const zeroBubbleH1Peak = ({ stages, microBatches }: ScheduleRequest): number => Math.min(microBatches, stages);

const actionsOf = (stage: number, stages: number, microBatches: number): readonly Action[] => {
  const list = new ActionList();
  times(stages - stage, () => list.add('F', stage));
  times(stage, () => list.add('I', stage).add('F', stage));
  times(microBatches - stage, () => list.add('I', stage).add('W', stage).add('F', stage));
  times(stage, () => list.add('W', stage));
  return list.first(microBatches);
};
