import type { NotFiniteSpec } from '../config/runFile.ts';

/** Mini-batches that were left out, and what that has come to. */
export interface LeftOut {
  /** One after the other, with no update between. */
  readonly row: number;
  /** What the learning rate is multiplied by since. */
  readonly rateFactor: number;
}

export const nothingLeftOut: LeftOut = { row: 0, rateFactor: 1 };

/** After a mini-batch whose loss or gradients are not finite: what is left out by then, or undefined where the run is to end. */
export function afterNotFinite(
  { row, rateFactor }: LeftOut,
  { action, factor, at_most: most }: NotFiniteSpec,
): LeftOut | undefined {
  if (action === 'stop' || row >= most) return undefined;
  return { row: row + 1, rateFactor: action === 'lower_rate' ? rateFactor * factor : rateFactor };
}

/** After an update. */
export const afterUpdate = (before: LeftOut): LeftOut => (before.row === 0 ? before : { ...before, row: 0 });
