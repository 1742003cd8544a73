import { z } from 'zod';
import { count, positive } from './number.ts';

/*
 * A folder in place of lists of cases, and which of them validate. Both are replaced by the lists when a run file is loaded.
 */

const name = z.string().min(1);

const splitSchema = z.strictObject({
  by: z
    .enum(['seed', 'folds', 'list'])
    .describe(
      '`seed`: a share, drawn from `seed`; `folds`: one of several folds of like size, which together hold every case once; ' +
        '`list`: cases by name.',
    ),
  validation: z
    .union([z.number().gt(0).lt(1), z.array(name).min(1)])
    .optional()
    .meta({ allowed: 'a number above 0 and below 1 (by: seed), or a list of names (by: list)' })
    .describe('The share of the cases that validate, or their names.'),
  folds: positive.min(2).optional().describe('How many folds (by: folds).'),
  fold: count.optional().describe('The fold that validates, counted from 0 (by: folds).'),
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
    .describe("Takes validation cases out of the training cases. HaN's own test cases are then left alone."),
  npy_spacing: z
    .tuple([z.number().positive(), z.number().positive(), z.number().positive()])
    .optional()
    .describe('Size along x, y, z in millimetres of the voxels of `.npy` files, which do not say it; 1 when absent.'),
};

export type SplitSpec = z.output<typeof splitSchema>;
