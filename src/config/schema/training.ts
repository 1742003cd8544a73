import { z } from 'zod';
import { count, notNegative, positive } from './number.ts';
import { notFiniteSchema } from './notFinite.ts';
import { selfEnsemblingSchema } from './selfEnsembling.ts';

const earlyStopSchema = z.strictObject({
  patience: positive.describe('Validations in a row that may pass without a better mean Dice.'),
  min_delta: notNegative.default(0).describe('By how much the mean Dice must rise to count as better.'),
});

export const trainingSchema = z.strictObject({
  epochs: positive.describe('Passes over the data.'),
  batch_size: positive.describe('Samples of a mini-batch: what the pipeline is given at once.'),
  accumulate: positive
    .default(1)
    .describe(
      'Mini-batches whose gradients are averaged for one update of the parameters; the last ones of an epoch, fewer than that, ' +
        'make an update of their own. Norms are those of the mean, and learning rates go by updates.',
    ),
  validate_every: count.default(1).describe('Validate every n epochs, and after the last; 0: never.'),
  early_stop: earlyStopSchema
    .optional()
    .describe(
      'Ends the training when validation has not become better for a while; it goes on to the last epoch when absent.',
    ),
  best_per_structure: z
    .boolean()
    .default(true)
    .describe('Whether the best weights for every structure are kept too, in `best/<structure>.safetensors`.'),
  initial_weights: z
    .string()
    .min(1)
    .optional()
    .describe(
      "A safetensors file with weights by PyTorch's names to begin with, relative to the run file's folder (docs/weights.md); drawn " +
        'from the seed when absent.',
    ),
  clip_norm: z
    .number()
    .positive()
    .optional()
    .describe('Gradients are scaled down to this norm, over all stages together; not clipped when absent.'),
  not_finite: notFiniteSchema.prefault({}),
  self_ensembling: selfEnsemblingSchema
    .optional()
    .describe(
      "COPLE-Net's way with labels that are wrong in places: a teacher, the moving average of the network, to which it is held.",
    ),
});
