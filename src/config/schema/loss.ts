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
]);
