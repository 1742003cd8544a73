import type { Action, Schedule } from './action.ts';
import { foldedOrder } from './foldedOrder.ts';
import { foldedPlacementOf } from './placements.ts';
import type { ScheduleRequest } from './scheduleRequest.ts';

/**
 * Folded (V) 1F1B: stages s and 2p − 1 − s on one worker, so that a U-Net's skips never leave it. (The placement of Hanayo
 * with one wave, Liu et al. 2023, and of 1F1B-V, Qi et al. 2024, "Pipeline parallelism with controllable memory".)
 * The order is that of ZB-V with whole backward passes:
 *
 *     clock     0    1    2    3    4    5    6    7    8    9    10   11   12   13
 *     worker 0  0F0  0F1  0F2  3F0  3B0  3F1  3B1  .    0B0  3F2  3B2  0B1  .    0B2
 *     worker 1  .    1F0  2F0  1F1  2F1  2B0  1F2  1B0  2F2  2B1  1B1  2B2  1B2  .
 *
 * With F and B the times of both stages of a worker and B ≥ F the bubble is (p − 1)B, for 1F1B's (p − 1)(F + B), from p
 * micro-batches on. A worker keeps at most 2p micro-batches of half its size alive, as much as the first worker of 1F1B,
 * and stage s of 2p keeps min(m, 2p − s).
 */
export const folded = (request: ScheduleRequest): Schedule => {
  const placement = foldedPlacementOf('v_1f1b', request);
  const { microBatches } = request;
  const workers: Action[][] = [];
  for (const [rank, worker] of placement.slice(0, placement.length / 2).entries())
    workers[worker] = [...foldedOrder(rank, placement.length / 2, microBatches, 'whole')];
  return { name: 'v_1f1b', microBatches, placement, workers };
};

/** On a worker of rank r: min(2p, 2m, m + r + 1). */
export const foldedWorkerPeak = (request: ScheduleRequest, worker: number): number => {
  const placement = foldedPlacementOf('v_1f1b', request);
  const { microBatches } = request;
  return Math.min(placement.length, 2 * microBatches, microBatches + placement.indexOf(worker) + 1);
};
