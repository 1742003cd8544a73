import { z } from 'zod';
import { count, decay, notNegative, positive } from './number.ts';

const learningRate = z.number().positive().describe('Learning rate.');
const weightDecay = notNegative.describe("Weight decay (L2, added to the gradient), as PyTorch's.");

/** Names, defaults and meanings are PyTorch's. */
export const optimizerSchema = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('sgd').describe('Stochastic gradient descent.'),
    lr: learningRate,
    momentum: decay.default(0).describe('Momentum.'),
    nesterov: z.boolean().default(false).describe('Nesterov momentum; needs `momentum` above 0.'),
    weight_decay: weightDecay.default(0),
  }),
  z.strictObject({
    name: z.literal('rmsprop').describe("RMSprop, LAMP's own choice."),
    lr: learningRate,
    alpha: decay.default(0.99).describe('Decay of the mean square gradient.'),
    eps: z.number().positive().default(1e-8).describe('Added outside the root.'),
    weight_decay: weightDecay.default(0),
  }),
  z.strictObject({
    name: z.enum(['adam', 'adamw']).describe('Adam, or Adam with decoupled weight decay.'),
    lr: learningRate,
    betas: z.tuple([decay, decay]).default([0.9, 0.999]).describe('Decays of the two moments.'),
    eps: z.number().positive().default(1e-8).describe('Added outside the root.'),
    weight_decay: notNegative
      .optional()
      .describe('Weight decay; when absent 0 for `adam` and 0.01 for `adamw`, where it is decoupled.'),
  }),
]);

const warmupSteps = count
  .default(0)
  .describe('Steps at the start over which the learning rate climbs to `optimizer.lr` in a straight line.');

export const lrScheduleSchema = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('constant').describe('`optimizer.lr` throughout.'),
    warmup_steps: warmupSteps,
  }),
  z.strictObject({
    name: z.literal('step').describe('Multiplied by `gamma` every `every` epochs.'),
    every: positive.describe('Epochs between two drops.'),
    gamma: z.number().positive().default(0.1).describe('Factor of each drop.'),
    warmup_steps: warmupSteps,
  }),
  z.strictObject({
    name: z.literal('polynomial').describe('Falls as (1 − step / steps)^`power`, counted after the warm-up.'),
    power: z.number().positive().default(0.9).describe('Exponent.'),
    warmup_steps: warmupSteps,
  }),
  z.strictObject({
    name: z.literal('cosine').describe('Half a cosine from `optimizer.lr` to `min_lr`, after the warm-up.'),
    min_lr: notNegative.default(0).describe('Learning rate at the end.'),
    warmup_steps: warmupSteps,
  }),
]);
