import type { Action } from './action.ts';
import { ActionList, times } from './actionList.ts';

/**
 * The order of ZB-V (Qi et al. 2024) on the worker of a rank r of p, with the outer stage r and the inner stage 2p − 1 − r.
 * With `whole` backward passes, I and its W become one B.
 *
 *     2(p − r) − 1 times   F outer                              until the first micro-batch comes back
 *     r times              F inner, F outer
 *     p − r times          F inner, I W inner
 *     m − 2p + r + 1       F outer, I W outer, F inner, I W inner
 *     p − r − 1 times      I W outer, F inner, I W inner        no forward pass is left for the outer stage
 *     r times              I outer, I inner                     nobody may wait: weights can
 *     p − r times          I W outer
 *     then                 what is left of W inner, W outer
 *
 * It needs 2p − 1 micro-batches. For fewer, those behind are left out.
 */
export const foldedOrder = (
  rank: number,
  workers: number,
  microBatches: number,
  backward: 'whole' | 'split',
): readonly Action[] => {
  const count = Math.max(microBatches, 2 * workers - 1);
  const [outer, inner] = [rank, 2 * workers - 1 - rank];
  const list = new ActionList();
  const weights = { [outer]: count, [inner]: count };
  const gradient = (stage: number): void => void list.add(backward === 'whole' ? 'B' : 'I', stage);
  const weight = (stage: number): void => {
    if (backward === 'split') list.add('W', stage);
    weights[stage] = (weights[stage] ?? 0) - 1;
  };
  const back = (stage: number): void => (gradient(stage), weight(stage));
  times(2 * (workers - rank) - 1, () => list.add('F', outer));
  times(rank, () => list.add('F', inner, outer));
  times(workers - rank, () => (list.add('F', inner), back(inner)));
  times(count - 2 * workers + rank + 1, () => (list.add('F', outer), back(outer), list.add('F', inner), back(inner)));
  times(workers - rank - 1, () => (back(outer), list.add('F', inner), back(inner)));
  times(rank, () => (gradient(outer), gradient(inner)));
  times(workers - rank, () => back(outer));
  for (const stage of [inner, outer]) times(weights[stage] ?? 0, () => weight(stage));
  return list.first(microBatches);
};

/** The most micro-batches alive on a stage of 2p: that of 1F1B over as many workers as stages. */
export const foldedPeak = ({ stages, microBatches }: { stages: number; microBatches: number }, stage: number): number =>
  Math.min(microBatches, stages - stage);
