import { z } from 'zod';
import { count, positive } from './number.ts';

/*
 * A folder in place of lists of cases, and which of them validate. Both are replaced by the lists when a run file is loaded.
 */

const name = z.string().min(1);

const splitSchema = z
  .discriminatedUnion('by', [
    z.strictObject({ by: z.literal('seed'), validation: z.number().gt(0).lt(1) }),
    z.strictObject({ by: z.literal('folds'), folds: positive.min(2), fold: count }),
    z.strictObject({ by: z.literal('list'), validation: z.array(name).min(1) }),
  ])
  .meta({
    allowed:
      '`{by: seed, validation: 0.2}`, `{by: folds, folds: 5, fold: 0}`, or `{by: list, validation: [names of cases]}`',
  });

/** To be spread into the schema of `data`. */
export const dataSetFields = {
  dataset: name
    .optional()
    .describe(
      'In place of `data.train`: the folder of a data set in the form of the Decathlon, of nnU-Net or of HaN. A run keeps the lists ' +
        'that come of it. `data.label_map` follows from its label names, where `data.classes` are named like them.',
    ),
  format: z
    .enum(['decathlon', 'nnunet', 'han'])
    .optional()
    .describe('Form of the data set, where its files do not tell.'),
  split: splitSchema
    .optional()
    .describe(
      'Takes validation cases out of the training cases: a share, drawn from `seed`; one of several folds of like size, which together ' +
        "hold every case once; or cases by name. HaN's own test cases are then left alone.",
    ),
  npy_spacing: z
    .tuple([z.number().positive(), z.number().positive(), z.number().positive()])
    .optional()
    .describe('Size along x, y, z in millimetres of the voxels of `.npy` files, which do not say it; 1 when absent.'),
};

export type SplitSpec = z.output<typeof splitSchema>;
