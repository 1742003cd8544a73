import { z } from 'zod';
import { positive } from './number.ts';

/** What is done about a loss or gradients that are NaN or infinite. */
export const notFiniteSchema = z.strictObject({
  action: z
    .enum(['stop', 'skip', 'lower_rate'])
    .default('stop')
    .describe(
      'What to do when a loss or a gradient is NaN or infinite, before anything is updated: end the run with the cell where it ' +
        'came up (`stop`), leave the mini-batch out (`skip`), or leave it out and go on with a lower learning rate (`lower_rate`).',
    ),
  factor: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.5)
    .describe('What the learning rate is multiplied by each time, for `lower_rate`.'),
  at_most: positive
    .default(10)
    .describe('Mini-batches that may be left out one after the other; one more ends the run.'),
});
