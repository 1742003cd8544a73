import { z } from 'zod';
import { positive } from './number.ts';

export const pipelineSchema = z.strictObject({
  workers: z
    .union([positive, z.literal('auto')])
    .default('auto')
    .describe('Worker processes, from 1 to the number of cells; `auto`: one a GPU, or one where there is none.'),
  micro_batches: positive
    .optional()
    .describe(
      'Micro-batches that a mini-batch is cut into, at most `training.batch_size`. When absent, `training.batch_size`: ' +
        'one sample each, whatever the number of workers, so that batch normalization means the same on any of them.',
    ),
  schedule: z.literal('gpipe').default('gpipe').describe('Order of the actions: all forwards, then all backwards.'),
  recompute: z
    .enum(['always', 'except_last', 'never'])
    .default('except_last')
    .describe(
      'Which micro-batches keep only the inputs of their stage and run the forward pass again before the backward pass.',
    ),
  batch_norm: z
    .enum(['micro', 'deferred'])
    .default('micro')
    .describe('Running statistics from every micro-batch, or once from the whole mini-batch.'),
  balance: z
    .array(positive)
    .min(1)
    .optional()
    .describe('Cells of each stage, where a person wants to say it; else the best cut of the measured times.'),
});

export const engineSchema = z.strictObject({
  name: z
    .enum(['tensorflow', 'cpu', 'auto'])
    .default('auto')
    .describe('`tensorflow`, or plain tfjs (`cpu`, about 200 times slower); `auto`: `tensorflow` where it is set up.'),
  threads: positive.optional().describe('Threads of each worker; its share of the cores when absent.'),
});
