/** The best mean Dice so far, and how many validations have passed since. */
export interface Patience {
  readonly best: number;
  readonly waited: number;
}

export const freshPatience: Patience = { best: -Infinity, waited: 0 };

/** After one more validation. It is better by more than `minDelta`, or one was waited for in vain; NaN is never better. */
export const afterValidation = (before: Patience, meanDice: number, minDelta: number): Patience =>
  meanDice > before.best + minDelta ? { best: meanDice, waited: 0 } : { best: before.best, waited: before.waited + 1 };
