import { diceScores } from './dice.ts';

/**
 * MONAI 0.2.0's compute_meandice with `mutually_exclusive`: the prediction of a voxel is its class of largest logit (the first
 * of equals), the truth its class in the one-hot target. Both arrays: (batch, …spatial, classes), channels last. Returns the Dice of
 * every sample and class (without class 0 unless `includeBackground`), NaN where the class is absent from the target.
 */
export const meanDice = (
  logits: Float32Array,
  target: Float32Array,
  shape: { batch: number; classes: number },
  includeBackground: boolean,
): number[][] => {
  const { batch, classes } = shape;
  const perSample = logits.length / batch;
  return Array.from({ length: batch }, (_, sample) => {
    const [start, end] = [sample * perSample, (sample + 1) * perSample];
    const prediction = argMax(logits.subarray(start, end), classes);
    const { perClass } = diceScores(prediction, argMax(target.subarray(start, end), classes), { classes });
    return perClass.slice(includeBackground ? 0 : 1);
  });
};

/** The class of the largest value of each voxel; of equals the first. */
export const argMax = (values: Float32Array, classes: number): Int32Array => {
  const labels = new Int32Array(values.length / classes);
  for (let voxel = 0; voxel < labels.length; voxel++) {
    const start = voxel * classes;
    let best = 0;
    for (let index = 1; index < classes; index++) if (values[start + index]! > values[start + best]!) best = index;
    labels[voxel] = best;
  }
  return labels;
};
