import type { Action, Schedule } from './action.ts';
import { unitDurations } from './durations.ts';
import { foldedOrder, foldedPeak } from './foldedOrder.ts';
import { foldedPlacementOf } from './placements.ts';
import type { ScheduleRequest } from './scheduleRequest.ts';
import { withWeightsInGaps } from './weightsInGaps.ts';

/**
 * ZB-V (Qi et al. 2024, "Zero bubble pipeline parallelism" and "Pipeline parallelism with controllable memory"): the backward
 * pass split, on the folded placement: stages s and 2p − 1 − s on one worker.
 *
 *     clock     0    1    2    3    4    5    6    7    8    9    10   11   12   13   14   15   16   17   18
 *     worker 0  0F0  0F1  0F2  3F0  3I0  3W0  3F1  3I1  3W1  0I0  0W0  3F2  3I2  3W2  0I1  0W1  0I2  0W2  .
 *     worker 1  .    1F0  2F0  1F1  2F1  2I0  2W0  1F2  1I0  1W0  2F2  2I1  2W1  1I1  2I2  1I2  1W1  2W2  1W2
 *
 * Where F = I = W and m ≥ 2p − 1 no worker waits between its first action and its last; only the beginnings are staggered
 * and so are the ends, by one forward pass of one stage a worker: (p − 1)/2 · F in all with F the time of both stages of a
 * worker. A worker keeps at most 2p micro-batches of half its size alive, as much as the first worker of 1F1B, and stage s
 * of 2p keeps min(m, 2p − s). For fewer micro-batches, and where `durations` are given, the weights lie in the gaps that
 * are there, if that is faster.
 */
export const zeroBubbleV = (request: ScheduleRequest): Schedule => {
  const placement = foldedPlacementOf('zb_v', request);
  const { stages, microBatches, durations = unitDurations } = request;
  const workers: Action[][] = [];
  for (const [rank, worker] of placement.slice(0, stages / 2).entries())
    workers[worker] = [...foldedOrder(rank, stages / 2, microBatches, 'split')];
  const schedule = { name: 'zb_v', microBatches, placement, workers };
  return withWeightsInGaps(schedule, durations, {
    stage: (stage) => foldedPeak(request, stage),
    worker: () => zeroBubbleVWorkerPeak(request),
  });
};

/** On any worker. */
export const zeroBubbleVWorkerPeak = ({ stages, microBatches }: ScheduleRequest): number =>
  Math.min(stages, 2 * microBatches);
