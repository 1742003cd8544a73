/** Dice of one label volume against another, by class. */
export interface DiceScores {
  /** One for each class; NaN where the class is absent from the truth. */
  readonly perClass: readonly number[];
  /** Mean over the classes that counted; NaN where none did. */
  readonly mean: number;
  /** How many classes counted. */
  readonly counted: number;
}

export interface DiceOptions {
  readonly classes: number;
  /** Whether class 0 counts in the mean. False unless given. */
  readonly includeBackground?: boolean;
}

export type Labels = Uint8Array | Int32Array;

/** A prediction and a truth that cannot be compared. */
export class MetricShapeError extends Error {
  override readonly name = 'MetricShapeError';
}

/**
 * Dice coefficient by class, 2·|P ∩ T| / (|P| + |T|), as MONAI's compute_meandice on volumes of class indices (mutually
 * exclusive): a class that is absent from the truth is NaN and does not count. Labels outside 0 … classes − 1 belong to no class.
 */
export const diceScores = (prediction: Labels, truth: Labels, options: DiceOptions): DiceScores => {
  const { classes, includeBackground = false } = options;
  const { predicted, actual, overlap } = labelCounts(prediction, truth, classes);
  const perClass = actual.map((count, index) =>
    count === 0 ? Number.NaN : (2 * overlap[index]!) / (predicted[index]! + count),
  );
  return { perClass, ...meanOf(includeBackground ? perClass : perClass.slice(1)) };
};

/** Mean of what is not NaN, and how many those are. */
export const meanOf = (values: readonly number[]): { mean: number; counted: number } => {
  const present = values.filter((value) => !Number.isNaN(value));
  const mean = present.reduce((sum, value) => sum + value, 0) / present.length;
  return { mean, counted: present.length };
};

/** Voxels of every class in the prediction, in the truth, and in both. */
interface LabelCounts {
  readonly predicted: readonly number[];
  readonly actual: readonly number[];
  readonly overlap: readonly number[];
}

/** Counts the voxels of every class; labels outside 0 … classes − 1 belong to none. */
export const labelCounts = (prediction: Labels, truth: Labels, classes: number): LabelCounts => {
  if (prediction.length !== truth.length)
    throw new MetricShapeError(
      `a prediction of ${prediction.length} voxels cannot be compared with a truth of ${truth.length}`,
    );
  const counts = { predicted: zeros(classes), actual: zeros(classes), overlap: zeros(classes) };
  for (let voxel = 0; voxel < truth.length; voxel++) {
    const guess = prediction[voxel]!;
    const label = truth[voxel]!;
    if (guess >= 0 && guess < classes) counts.predicted[guess]!++;
    if (label >= 0 && label < classes) counts.actual[label]!++;
    if (guess === label && guess >= 0 && guess < classes) counts.overlap[guess]!++;
  }
  return counts;
};

const zeros = (length: number): number[] => Array.from({ length }, () => 0);
