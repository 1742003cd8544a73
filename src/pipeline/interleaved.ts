import type { Action, Schedule } from './action.ts';
import { interleavedPlacementOf } from './placements.ts';
import type { ScheduleRequest } from './scheduleRequest.ts';
import { workersOf } from './scheduleRequest.ts';
import { oneForwardOneBackward } from './oneForwardOneBackward.ts';
import { ascending } from './wavefront.ts';

/**
 * Interleaved 1F1B (Narayanan et al. 2021, "Efficient large-scale language model training on GPU clusters using
 * Megatron-LM"): v stages a worker, stage s on worker s mod p. The micro-batches come in rounds of p; a worker does a whole
 * round in its first stage, then in its second, and so on:
 *
 *     clock     0    1    2    3    4    5    6    7    8    9    10   11   12   13   14   15   16   17
 *     worker 0  0F0  0F1  2F0  2F1  0F2  2B0  0F3  2B1  2F2  0B0  2F3  0B1  .    2B2  .    2B3  0B2  0B3
 *     worker 1  .    1F0  1F1  3F0  3B0  3F1  3B1  1F2  1B0  1F3  1B1  3F2  3B2  3F3  3B3  1B2  1B3  .
 *
 * With F and B the times of all stages of a worker the bubble is (p − 1)(F + B) / v, a v-th of that of 1F1B, for v times the
 * messages. The paper asks for a multiple of p micro-batches. Here ⌊m / p⌋ rounds share what there is, the first ones with
 * one more (as PyTorch's rounds, uneven): the bubble is the same for any m ≥ p. A last round of fewer than p would have
 * workers wait for each other, and can end in deadlock: 4 workers, 3 stages each, 4 + 1 micro-batches.
 */
export const interleaved = (request: ScheduleRequest): Schedule => {
  const placement = interleavedPlacementOf('interleaved_1f1b', request);
  const { microBatches } = request;
  const workers = workersOf(placement);
  const name = 'interleaved_1f1b';
  if (workers === placement.length) return { ...oneForwardOneBackward({ ...request, placement }), name };
  const perWorker = placement.length / workers;
  const order = roundOrder(roundSizes(workers, microBatches), perWorker);
  const lists: Action[][] = [];
  for (const [rank, worker] of placement.slice(0, workers).entries()) {
    const stageOf = (part: number): number => part * workers + rank;
    const forwards = order.map(({ part, microBatch }): Action => ({ stage: stageOf(part), kind: 'F', microBatch }));
    const backwards = order.map(({ part, microBatch }): Action => ({
      stage: stageOf(perWorker - 1 - part),
      kind: 'B',
      microBatch,
    }));
    lists[worker] = inTurn(forwards, backwards, warmUp(workers, perWorker, microBatches, rank));
  }
  return { name, microBatches, placement, workers: lists };
};

/** Of ⌊m / p⌋ rounds, at least one. */
const roundSizes = (workers: number, microBatches: number): number[] => {
  const rounds = Math.max(1, Math.floor(microBatches / workers));
  return ascending(rounds).map((round) => Math.floor(microBatches / rounds) + (round < microBatches % rounds ? 1 : 0));
};

interface Turn {
  readonly part: number;
  readonly microBatch: number;
}

/** Every round in every part of a worker (its first stage, its second, …). */
const roundOrder = (sizes: readonly number[], parts: number): Turn[] => {
  let offset = 0;
  return sizes.flatMap((size) => {
    const round = ascending(size).map((index) => offset + index);
    offset += size;
    return ascending(parts).flatMap((part) => round.map((microBatch) => ({ part, microBatch })));
  });
};

/** Forward passes before the first backward pass of a rank. */
const warmUp = (workers: number, perWorker: number, microBatches: number, rank: number): number => {
  const [round = 1] = roundSizes(workers, microBatches);
  return Math.min(perWorker * microBatches, 2 * (workers - rank - 1) + (perWorker - 1) * round);
};

/** So many of the first list ahead, then one of each in turn. */
const inTurn = (forwards: readonly Action[], backwards: readonly Action[], ahead: number): Action[] =>
  ascending(forwards.length + ahead).flatMap((tick) => [
    ...forwards.slice(tick, tick + 1),
    ...(tick >= ahead ? backwards.slice(tick - ahead, tick - ahead + 1) : []),
  ]);

/** On a worker: its warm-up and the one behind it. */
export const interleavedWorkerPeak = (request: ScheduleRequest, worker: number): number => {
  const { placement, workers, perWorker } = shapeOf(request);
  const rank = placement.indexOf(worker);
  if (perWorker === 1) return Math.min(request.microBatches, workers - rank);
  const all = perWorker * request.microBatches;
  return Math.min(all, warmUp(workers, perWorker, request.microBatches, rank) + 1);
};

/**
 * On part c of v of a worker's stages. From the forward pass of a micro-batch to its backward pass a worker takes
 * 2(p − rank − 1) + 1 + (v − 1)G + (v − 1 − 2c)g turns with forward passes, with G the largest round and g its own, of which
 * at most G in every vg are of this stage. Exact for a multiple of p micro-batches, three rounds or more; else never less.
 */
export const interleavedPeak = (request: ScheduleRequest, stage: number): number => {
  const { workers, perWorker } = shapeOf(request);
  const { microBatches } = request;
  const rank = stage % workers;
  if (perWorker === 1) return Math.min(microBatches, workers - rank);
  const sizes = roundSizes(workers, microBatches);
  const [most, least] = [Math.max(...sizes), Math.min(...sizes)];
  const back = perWorker - 1 - 2 * Math.floor(stage / workers);
  const turns = 2 * (workers - rank - 1) + 1 + (perWorker - 1) * most + Math.max(back * most, back * least);
  const cycle = perWorker * least;
  return Math.min(microBatches, Math.floor(turns / cycle) * most + Math.min(most, turns % cycle));
};

const shapeOf = (request: ScheduleRequest): { placement: readonly number[]; workers: number; perWorker: number } => {
  const placement = interleavedPlacementOf('interleaved_1f1b', request);
  const workers = workersOf(placement);
  return { placement, workers, perWorker: placement.length / workers };
};
