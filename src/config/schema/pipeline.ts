import { z } from 'zod';
import { trainingScheduleNames } from '../scheduleName.ts';
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
  schedule: z
    .union([
      z.enum(trainingScheduleNames),
      z
        .templateLiteral([z.string().min(1), '.schedule'])
        .meta({ allowed: 'the path of a schedule of your own that ends in .schedule' }),
    ])
    .default('gpipe')
    .describe(
      'Order of the actions: all forwards, then all backwards (`gpipe`); one forward, one backward (`1f1b`); that with ' +
        'several stages a worker (`interleaved_1f1b`) or folded, the two ends of the network on one worker (`v_1f1b`); ' +
        'with split backward passes `zb_h1` and, folded, `zb_v`. See docs/scheduling.md.',
    ),
  stages_per_worker: positive
    .optional()
    .describe(
      'Stages on each worker: any number for `gpipe` (1 when absent) and `interleaved_1f1b` (2 when absent), 2 for `v_1f1b` ' +
        'and `zb_v`, 1 for `1f1b` and `zb_h1`. A schedule of your own says it itself.',
    ),
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
