import { z } from 'zod';
import { notNegative } from './number.ts';

const classWeights = z
  .array(notNegative)
  .min(1)
  .optional()
  .describe('One weight for each of `data.classes`, background first; all 1 when absent.');

export const lossSchema = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('lamp').describe("LAMP's Dice + 0.5 · focal, by sample and class."),
    focal_weight: notNegative.default(0.5).describe('Weight of the focal loss beside the Dice loss.'),
    focal_gamma: notNegative.default(2).describe('How much the focal loss favours what is still wrong.'),
    class_weights: classWeights,
  }),
  z.strictObject({
    name: z.literal('cross_entropy').describe('Softmax cross-entropy by voxel.'),
    class_weights: classWeights,
  }),
  z.strictObject({
    name: z
      .literal('noise_robust_dice')
      .describe("COPLE-Net's Dice loss for labels that are wrong in places: Σ |p − g|^`gamma` over what there is."),
    gamma: z
      .number()
      .min(1)
      .max(2)
      .default(1.5)
      .describe('1 is the mean absolute error, 2 the Dice loss; between them, what is wrong by much counts for less.'),
    denominator: z
      .enum(['squares', 'sums'])
      .default('sums')
      .describe(
        "The mean of one ratio a class, over Σ p + Σ g (PyMIC's), or one ratio over all classes, over Σ p² + Σ g² (the paper's), " +
          'which learns more slowly where the background is nearly all of the image.',
      ),
    class_weights: classWeights,
  }),
]);
