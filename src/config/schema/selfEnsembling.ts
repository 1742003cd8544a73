import { z } from 'zod';
import { count, decay, notNegative, share } from './number.ts';

/** Self-ensembling as in COPLE-Net's paper (Wang et al., IEEE TMI 2020). */
export const selfEnsemblingSchema = z.strictObject({
  decay: decay.default(0.99).describe("Decay of the teacher's moving average; at most 1 − 1/(t + 1) in step t."),
  later_decay: decay.default(0.999).describe('Decay from epoch `later_from` on.'),
  later_from: count.default(10).describe('Epochs with `decay`.'),
  consistency: notNegative
    .default(0.1)
    .describe('Weight of the squared difference between the probabilities of student and teacher.'),
  ramp_epochs: count
    .default(10)
    .describe('Epochs over which that weight climbs, as exp(−5·(1 − t)²): at first the teacher knows nothing.'),
  not_better: share
    .default(0)
    .describe('The share of that weight in samples in which the teacher is not better than the student.'),
  percentile: z
    .number()
    .min(0)
    .max(100)
    .default(90)
    .describe("The teacher does not follow in steps whose loss is above this percentile of the last epoch's losses."),
  noise: notNegative
    .default(0.05)
    .describe(
      'Standard deviation of the noise that each of the two sees its images with, in units of the normalized image.',
    ),
  result: z.enum(['teacher', 'student']).default('teacher').describe('Whose weights are validated and kept.'),
});
