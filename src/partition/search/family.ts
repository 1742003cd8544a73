import { CutError } from '../balance.ts';

/**
 * Which stages share a worker. Workers stand in a row; slot k is the k-th place in it, and which worker stands there is
 * the placement's choice.
 *
 *     consecutive   0 1 2 3            one stage a worker, in order
 *     interleaved   0 1 2 3 0 1 2 3    v stages a worker, in turn (Narayanan et al. 2021)
 *     folded        0 1 2 3 3 2 1 0    a V: stage s and stage 2K − 1 − s, so that what the first half stashes for the
 *                                      second need not travel (Qi et al., V-schedules, 2024; PULSE, 2026)
 */
export type Family = 'consecutive' | 'interleaved' | 'folded';

export interface Layout {
  readonly family: Family;
  /** Workers in the row. */
  readonly slots: number;
  /** The slot of every stage. */
  readonly slotOfStage: readonly number[];
}

/** The layout of a family; throws a CutError where there are fewer cells than stages. */
export const layoutOf = (family: Family, slots: number, stagesPerWorker: number, cells: number): Layout => {
  const rows = family === 'consecutive' ? 1 : family === 'folded' ? 2 : stagesPerWorker;
  const row = Array.from({ length: slots }, (_, slot) => slot);
  const slotOfStage = Array.from({ length: rows }, (_, index) =>
    family === 'folded' && index === 1 ? row.toReversed() : row,
  ).flat();
  if (slots < 1 || slotOfStage.length > cells)
    throw new CutError(cells, slotOfStage.length, `allowed are 1 to ${cells} stages, each of one cell at least`);
  return { family, slots, slotOfStage };
};
