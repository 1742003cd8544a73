/** A Dice score and the epoch after which it was found. */
export interface BestDice {
  readonly dice: number;
  readonly epoch: number;
}

/** The best of each figure over the validations so far. */
export interface BestSoFar {
  readonly mean: BestDice | undefined;
  /** By structure; those that no validation case had are left out. */
  readonly structures: Readonly<Record<string, BestDice>>;
}

export const nothingYet: BestSoFar = { mean: undefined, structures: {} };

/** What a validation is the best of. */
export interface Improvement {
  readonly mean: boolean;
  readonly structures: readonly string[];
}

export interface FoundDice {
  readonly epoch: number;
  readonly meanDice: number;
  /** By structure; NaN where no case has it. */
  readonly dice: Readonly<Record<string, number>>;
}

/** After one more validation. The first is the best so far, whatever it found; equal figures are no improvement. */
export function afterFound(before: BestSoFar, found: FoundDice): { best: BestSoFar; improved: Improvement } {
  const { epoch, meanDice, dice } = found;
  const mean = before.mean === undefined || better(meanDice, before.mean.dice);
  const structures = Object.keys(dice).filter((name) => better(dice[name]!, before.structures[name]?.dice));
  return {
    best: {
      mean: mean ? { dice: meanDice, epoch } : before.mean,
      structures: {
        ...before.structures,
        ...Object.fromEntries(structures.map((name) => [name, { dice: dice[name]!, epoch }])),
      },
    },
    improved: { mean, structures },
  };
}

/** Any figure is better than none, and none is better than another. */
const better = (dice: number, before = Number.NaN): boolean =>
  !Number.isNaN(dice) && (Number.isNaN(before) || dice > before);
