import type { Case } from '../data/dataset.ts';
import { labelsOf, microBatchesOf, type NetworkInput } from '../data/wholeImage.ts';
import { diceScores, meanOf } from '../metrics/dice.ts';
import { packLabels, type PackedLabels } from './packedLabels.ts';
import type { Pipeline } from './pipeline.ts';
import type { ValidationCases } from './validationCases.ts';

/** What a validation found: every case segmented whole, and how well. */
export interface Validation {
  /** Of every case, packed: one is written at a time, if at all. */
  readonly predictions: readonly PackedLabels[];
  /** By class without the background, the mean over the cases that have it; NaN where none has. */
  readonly dice: Readonly<Record<string, number>>;
  readonly meanDice: number;
  /** How many classes the mean is over. */
  readonly counted: number;
  readonly seconds: number;
}

export interface ValidateOptions {
  readonly classes: readonly string[];
  readonly model: NetworkInput;
  /** The number of the first image's step on the data plane. */
  readonly step: number;
  /** Whether it is the teacher's network that is looked at (self-ensembling). */
  readonly teacher: boolean;
}

/** Segments the validation cases whole, in evaluation mode, and measures Dice against the truth. */
export async function validate(
  pipeline: Pipeline,
  cases: ValidationCases,
  options: ValidateOptions,
): Promise<Validation> {
  const begin = performance.now();
  const { classes } = options;
  const predictions: PackedLabels[] = [];
  const scores: (readonly number[])[] = [];
  let loading: Promise<Case> | undefined;
  for (let number = 0; number < cases.count; number++) {
    const seen = await (loading ?? cases.load(number));
    // The next case is read while the workers look at this one.
    loading = number + 1 < cases.count ? cases.load(number + 1) : undefined;
    loading?.catch(() => {});
    const prediction = await segment(pipeline, seen, number, options);
    predictions.push(await packLabels(prediction));
    scores.push(diceScores(prediction, seen.labels.values, { classes: classes.length }).perClass);
  }
  const perClass = classes.map((_, index) => meanOf(scores.map((score) => score[index]!)).mean);
  const { mean, counted } = meanOf(perClass.slice(1));
  const dice = Object.fromEntries(classes.slice(1).map((name, index) => [name, perClass[index + 1]!]));
  return { predictions, dice, meanDice: mean, counted, seconds: (performance.now() - begin) / 1000 };
}

/** The class of every voxel of a case's image. */
async function segment(
  pipeline: Pipeline,
  { image }: Case,
  number: number,
  { model, step, teacher }: ValidateOptions,
): Promise<Uint8Array> {
  const microBatches = microBatchesOf(image, model);
  const source = { kind: 'validation', case: number } as const;
  const outputs = await pipeline.evaluate({ step: step + number, source, microBatches }, 'labels', teacher);
  const parts = outputs.map(({ values }) => values as Uint8Array);
  return labelsOf(image, model, parts).values;
}
