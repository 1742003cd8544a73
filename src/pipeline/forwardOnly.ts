import type { Schedule } from './action.ts';
import { placementOf } from './scheduleRequest.ts';
import type { ScheduleRequest } from './scheduleRequest.ts';
import { ascending, dealOut, wavefront } from './wavefront.ts';

/**
 * Forward passes alone, as evaluation needs them: nothing is kept for a backward pass.
 *
 *     clock     0    1    2    3
 *     worker 0  0F0  0F1  0F2  .
 *     worker 1  .    1F0  1F1  1F2
 */
export const forwardOnly = (request: ScheduleRequest): Schedule => {
  const placement = placementOf('forward', request);
  const { microBatches } = request;
  const stages = placement.map((_, stage) => stage);
  const forward = wavefront('F', stages, ascending(microBatches));
  return { name: 'forward', microBatches, placement, workers: dealOut(forward, placement) };
};
