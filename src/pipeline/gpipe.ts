import type { Schedule } from './action.ts';
import { placementOf } from './scheduleRequest.ts';
import type { ScheduleRequest } from './scheduleRequest.ts';
import { ascending, dealOut, wavefront } from './wavefront.ts';

/**
 * GPipe (Huang et al. 2019): all micro-batches forward, then all backward, in the reverse order as torchgpipe does. With
 * K stages and M micro-batches that is M + K − 1 ticks of the clock for each half:
 *
 *     clock     0    1    2    3    4    5    6    7    8    9
 *     worker 0  0F0  0F1  0F2  .    .    .    .    0B2  0B1  0B0
 *     worker 1  .    1F0  1F1  1F2  .    .    1B2  1B1  1B0  .
 *     worker 2  .    .    2F0  2F1  2F2  2B2  2B1  2B0  .    .
 *
 * Every stage keeps all M micro-batches alive at the turn. Any placement will do: a worker with several stages does those of
 * one tick in the order in which they follow each other.
 */
export const gpipe = (request: ScheduleRequest): Schedule => {
  const placement = placementOf('gpipe', request);
  const { microBatches } = request;
  const stages = placement.map((_, stage) => stage);
  const forward = wavefront('F', stages, ascending(microBatches));
  const backward = wavefront('B', stages.toReversed(), ascending(microBatches).toReversed());
  return { name: 'gpipe', microBatches, placement, workers: dealOut([...forward, ...backward], placement) };
};
