import { z } from 'zod';
import { trainingScheduleNames } from '../scheduleName.ts';
import { byteSize } from './byteSize.ts';
import { positive } from './number.ts';

export const recomputeModes = ['always', 'except_last', 'never'] as const;

export const skipWays = ['portal', 'threaded'] as const;

export const pipelineSchema = z.strictObject({
  workers: z
    .union([positive, z.literal('auto')])
    .default('auto')
    .describe(
      'Worker processes of a pipeline, from 1 to the number of cells; `auto`: one a GPU, or one where there is none.',
    ),
  replicas: positive
    .default(1)
    .describe(
      'Pipelines side by side, each of `workers` workers: they share every mini-batch and sum their gradients. At most as many as ' +
        'there are micro-batches.',
    ),
  micro_batches: z
    .union([positive, z.literal('auto')])
    .optional()
    .describe(
      'Micro-batches that a mini-batch is cut into, at most `training.batch_size`. When absent, `training.batch_size`: ' +
        'one sample each, whatever the number of workers, so that batch normalization means the same on any of them. ' +
        '`auto`: the fastest number that fits; under `model.norm: batch` the results depend on it, as each micro-batch is ' +
        'normalized by itself, and it may differ from machine to machine.',
    ),
  schedule: z
    .union([
      z.enum([...trainingScheduleNames, 'auto']),
      z
        .templateLiteral([z.string().min(1), '.schedule'])
        .meta({ allowed: 'the path of a schedule of your own that ends in .schedule' }),
    ])
    .default('gpipe')
    .describe(
      'Order of the actions: all forwards, then all backwards (`gpipe`); one forward, one backward (`1f1b`); that with ' +
        'several stages a worker (`interleaved_1f1b`) or folded, the two ends of the network on one worker (`v_1f1b`); ' +
        'with split backward passes `zb_h1` and, folded, `zb_v`; or the fastest of these that fits (`auto`). See ' +
        'docs/scheduling.md.',
    ),
  stages_per_worker: positive
    .optional()
    .describe(
      'Stages on each worker: any number for `gpipe` (1 when absent) and `interleaved_1f1b` (2 when absent), 2 for `v_1f1b` ' +
        'and `zb_v`, 1 for `1f1b` and `zb_h1`. A schedule of your own says it itself.',
    ),
  recompute: z
    .enum([...recomputeModes, 'auto'])
    .default('except_last')
    .describe(
      'Which micro-batches keep only the inputs of their stage and run the forward pass again before the backward pass; ' +
        '`auto`: as few as fit into memory.',
    ),
  skips: z
    .enum([...skipWays, 'auto'])
    .default('auto')
    .describe(
      'How the tensors of skip connections travel between workers: straight to the stage that reads them (`portal`), through ' +
        'every stage between (`threaded`), or each in the way with the shorter step (`auto`).',
    ),
  memory: byteSize
    .optional()
    .describe(
      'What each worker may hold, in bytes or such as `16GB`, `15 GiB`: no plan needs more. When absent, 90% of its GPU, or of ' +
        "its share of this machine's memory.",
    ),
  batch_norm: z
    .enum(['micro', 'deferred'])
    .default('micro')
    .describe('Running statistics from every micro-batch, or once from the whole mini-batch.'),
  balance: z
    .array(positive)
    .min(1)
    .optional()
    .describe(
      'Cells of each stage, where a person wants to say it; else the cut with the shortest step, from measured times.',
    ),
});

export const engineSchema = z.strictObject({
  name: z
    .enum(['tensorflow', 'cpu', 'auto'])
    .default('auto')
    .describe('`tensorflow`, or plain tfjs (`cpu`, about 200 times slower); `auto`: `tensorflow` where it is set up.'),
  threads: positive.optional().describe('Threads of each worker; its share of the cores when absent.'),
});
