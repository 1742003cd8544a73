/** Updates of the parameters in an epoch of so many mini-batches: one for every `accumulate` of them, and one for those left over. */
export const updatesOf = (steps: number, accumulate: number): number => Math.ceil(steps / accumulate);

/**
 * Of how many mini-batches the gradients are together after step `step` (from 0) of an epoch, where an update is due;
 * undefined where more are to come. With 5 steps and accumulate 2:
 *
 *     step    0    1    2    3    4
 *     update  ·    2    ·    2    1
 */
export function gatheredAt(step: number, steps: number, accumulate: number): number | undefined {
  const gathered = (step % accumulate) + 1;
  return gathered === accumulate || step + 1 === steps ? gathered : undefined;
}
