import type { Case } from '../data/dataset.ts';
import { labelsOf, microBatchesOf, type NetworkInput } from '../data/wholeImage.ts';
import type { Volume } from '../data/volume.ts';
import { diceScores, meanOf } from '../metrics/dice.ts';
import type { Pipeline } from './pipeline.ts';

/** What a validation found: every case segmented whole, and how well. */
export interface Validation {
  readonly predictions: readonly Volume<Uint8Array>[];
  /** By class without the background, the mean over the cases that have it; NaN where none has. */
  readonly dice: Readonly<Record<string, number>>;
  readonly meanDice: number;
  /** How many classes the mean is over. */
  readonly counted: number;
  readonly seconds: number;
}

/** Segments the validation cases whole, in evaluation mode, and measures Dice against the truth. */
export async function validate(
  pipeline: Pipeline,
  cases: readonly Case[],
  { classes, model, step }: { classes: readonly string[]; model: NetworkInput; step: number },
): Promise<Validation> {
  const begin = performance.now();
  const predictions: Volume<Uint8Array>[] = [];
  const scores: (readonly number[])[] = [];
  for (const [number, { image, labels }] of cases.entries()) {
    const source = { kind: 'validation', case: number } as const;
    const microBatches = microBatchesOf(image, model);
    const outputs = await pipeline.evaluate({ step: step + number, source, microBatches }, 'labels');
    const parts = outputs.map((output) => output.values as Uint8Array);
    const prediction = labelsOf(image, model, parts);
    predictions.push(prediction);
    scores.push(diceScores(prediction.values, labels.values, { classes: classes.length }).perClass);
  }
  const perClass = classes.map((_, index) => meanOf(scores.map((score) => score[index]!)).mean);
  const { mean, counted } = meanOf(perClass.slice(1));
  const dice = Object.fromEntries(classes.slice(1).map((name, index) => [name, perClass[index + 1]!]));
  return { predictions, dice, meanDice: mean, counted, seconds: (performance.now() - begin) / 1000 };
}
