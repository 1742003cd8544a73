import { z } from 'zod';
import { dataSetFields } from './dataSet.ts';
import { loadingFields } from './loading.ts';
import { count, notNegative, positive, share } from './number.ts';
import { transformsSchema } from './transforms.ts';

const path = z.string().min(1);

const caseSchema = z.strictObject({
  name: path.optional().describe("Name of the case; the first image's file name without its endings when absent."),
  image: z
    .union([path, z.array(path).min(1)])
    .meta({ allowed: 'the path of an image, or a list of paths: one a channel' })
    .describe('The image (NIfTI or `.npy`), or one file for each channel.'),
  label: z
    .union([path, z.record(z.string(), path)])
    .meta({ allowed: 'the path of a label map, or a mapping from classes to paths of masks' })
    .describe(
      'Label map on the grid of the image, its values being indices into `data.classes` unless `data.label_map` says ' +
        'otherwise; or one mask a structure, those that are missing being not annotated.',
    ),
});

const rotate = z.number().min(0).max(180).default(0);
const scale = z.number().min(0).lt(1).default(0);

export const augmentSchema = z.strictObject({
  rotate: rotate.describe('Largest rotation about each axis, in degrees.'),
  scale: scale.describe('Largest change of scale: 0.1 is 0.9 to 1.1.'),
  elastic: notNegative.default(0).describe('Largest displacement of the elastic deformation, in voxels.'),
  noise: notNegative.default(0).describe('Standard deviation of the added noise, in units of the normalized image.'),
  intensity: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Largest relative change of contrast and shift of brightness.'),
});

export const validationDeformationSchema = z.strictObject({
  rotate: rotate.describe('Largest rotation about each axis, in degrees.'),
  scale: scale.describe('Largest change of scale.'),
  elastic: notNegative.default(0).describe('Largest displacement of the elastic deformation, in voxels.'),
});

export const dataSchema = z.strictObject({
  train: z
    .array(caseSchema)
    .default([])
    .describe(
      "Training cases; paths are relative to the run file's folder. Needed, unless `data.dataset` or `data.synthetic` is given.",
    ),
  ...dataSetFields,
  synthetic: z
    .array(positive)
    .min(2)
    .max(3)
    .optional()
    .describe(
      'In place of training cases: random images of this size along x, y, z with random labels, drawn once. For measuring speed.',
    ),
  validation: z.array(caseSchema).default([]).describe('Validation cases, segmented whole.'),
  classes: z.array(z.string().min(1)).min(2).describe('Names of the classes, background first.'),
  label_map: z
    .record(z.string(), z.array(count.max(65535)).min(1))
    .optional()
    .meta({ allowed: 'a mapping from classes (name or index) to lists of label values' })
    .describe(
      'The values of the label files that belong to each class, all others being background; when absent, values are class indices.',
    ),
  missing_structures: z
    .enum(['unannotated', 'background'])
    .default('unannotated')
    .describe(
      'Where a case has a mask a structure and some are missing: they are not learnt from this case, nor is its background ' +
        "(`unannotated`, AnatomyNet's way), or they count as absent from the image (`background`, LAMP's own loader).",
    ),
  transforms: transformsSchema,
  patch_size: z
    .union([z.array(positive).min(2).max(3), z.literal('whole')])
    .default('whole')
    .describe('Size of the training crops along x, y, z in voxels; `whole` trains on whole images.'),
  foreground: share.default(0.67).describe('Share of crops that are centred on a labelled voxel.'),
  samples_per_epoch: positive
    .optional()
    .describe('Samples drawn in an epoch, rounded up to whole mini-batches; one a training case when absent.'),
  augment: augmentSchema.prefault({}),
  validation_deformation: validationDeformationSchema
    .optional()
    .describe('Validation images are deformed by up to this, from a draw that training never makes.'),
  ...loadingFields,
});
