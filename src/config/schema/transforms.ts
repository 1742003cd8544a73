import { z } from 'zod';
import { share } from './number.ts';

/* Names, arguments and meanings are MONAI's (0.2.0); axes are those of a NIfTI array, x first. */

const prob = share.default(0.1).describe('Share of the samples that are changed.');
const pair = z.tuple([z.number(), z.number()]);
const spread = z.union([z.number(), pair]);
const sizes = z.array(z.number().int().min(-1)).length(3);

const padMode = z
  .enum(['constant', 'edge', 'replicate', 'reflect', 'symmetric', 'wrap', 'circular'])
  .default('constant')
  .describe(
    'What is put there, as numpy.pad calls it: zeros (`constant`), the outer voxel (`edge` or `replicate`), the image mirrored ' +
      'without or with its outer voxel (`reflect`, `symmetric`), or the image again (`wrap` or `circular`).',
  );

const outside = (mode: 'border' | 'reflection') =>
  z
    .enum(['zeros', 'border', 'reflection'])
    .default(mode)
    .describe('What lies outside the image: zeros, its outer voxels, or the image mirrored.');

/** A range for each axis, or for the first alone. */
const ranges = (most: number) => z.union([z.number(), z.array(z.number()).min(1).max(most)]).optional();

const affineRanges = {
  rotate_range: ranges(3).describe('Largest rotation about x, y, z in radians; of a slice, in its plane.'),
  shear_range: ranges(6).describe(
    'Largest shears: of x by y, x by z, y by x, y by z, z by x, z by y; of a slice, x by y and y by x.',
  ),
  translate_range: ranges(3).describe('Largest shift along x, y, z in voxels.'),
  scale_range: ranges(3).describe('Largest change of scale along x, y, z: 0.1 is 0.9 to 1.1.'),
  padding_mode: outside('reflection'),
  spatial_size: sizes
    .optional()
    .describe('Size of what comes out, about the same middle; −1, or none at all: that of the image.'),
};

const axcodes = z
  .string()
  .refine((codes) =>
    /^[LR][PA][IS]$/.test(
      codes
        .split('')
        .toSorted((a, b) => rank(a) - rank(b))
        .join(''),
    ),
  )
  .meta({ allowed: 'three letters, one of L or R, one of P or A and one of I or S, in the order of x, y, z' });

const rank = (letter: string): number => Math.floor('LRPAIS'.indexOf(letter) / 2);

const deterministic = [
  z.strictObject({
    name: z.literal('Orientation').describe('Voxel axes turned and flipped; values stay as they are.'),
    axcodes: axcodes.describe('Where x, y and z run to: `RAS` is right, front (anterior), up (superior).'),
  }),
  z.strictObject({
    name: z.literal('Spacing').describe('Resampled to voxels of another size: linearly, labels by nearest neighbour.'),
    pixdim: z.array(z.number().positive()).length(3).describe('Size of the voxels along x, y, z in millimetres.'),
    diagonal: z.boolean().default(false).describe('Along the axes of space, whatever way the image lies.'),
    padding_mode: outside('border'),
  }),
  z.strictObject({
    name: z
      .literal('ScaleIntensityRange')
      .describe('(value − a_min) / (a_max − a_min) · (b_max − b_min) + b_min: a window of intensities.'),
    a_min: z.number().describe('Becomes `b_min`.'),
    a_max: z.number().describe('Becomes `b_max`.'),
    b_min: z.number().describe('Lower end of what comes out.'),
    b_max: z.number().describe('Upper end of what comes out.'),
    clip: z.boolean().default(false).describe('What would be beyond the ends is set to them.'),
  }),
  z.strictObject({
    name: z.literal('NormalizeIntensity').describe('(value − mean) / standard deviation.'),
    subtrahend: z
      .union([z.number(), z.array(z.number()).min(1)])
      .optional()
      .describe('In place of the mean; one for all channels or one each.'),
    divisor: z
      .union([z.number(), z.array(z.number()).min(1)])
      .optional()
      .describe('In place of the standard deviation; one for all channels or one each.'),
    nonzero: z.boolean().default(false).describe('Over the voxels that are not zero, which stay zero.'),
    channel_wise: z.boolean().default(false).describe('Each channel by itself.'),
  }),
  z.strictObject({
    name: z.literal('CropForeground').describe('Cropped to the box of the voxels above a threshold.'),
    threshold: z.number().default(0).describe('Foreground is above this (the `select_fn` of MONAI).'),
    channel_indexes: z
      .array(z.number().int().min(0))
      .min(1)
      .optional()
      .describe('Channels that are looked at, counted from 0; all when absent.'),
    margin: z.number().int().min(0).default(0).describe('Voxels more on every side, as far as the image goes.'),
  }),
  z.strictObject({
    name: z.literal('SpatialPad').describe('Padded up to a size; longer axes stay as they are.'),
    spatial_size: sizes.describe('Size along x, y, z; 0 or −1 leaves an axis as it is.'),
    method: z
      .enum(['symmetric', 'end'])
      .default('symmetric')
      .describe('On both sides, the smaller half before, or behind alone.'),
    mode: padMode,
  }),
  z.strictObject({
    name: z.literal('DivisiblePad').describe('Padded on both sides to multiples of a number.'),
    k: z
      .union([z.number().int().min(-1), sizes])
      .describe('The number, or one each along x, y, z; 0 or −1 leaves an axis as it is.'),
    mode: padMode,
  }),
] as const;

const random = [
  z.strictObject({
    name: z.literal('RandCropByPosNegLabel').describe('A crop around a labelled voxel, or one of the background.'),
    spatial_size: sizes.describe('Size along x, y, z; 0 or −1: that of the image.'),
    pos: z.number().min(0).default(1).describe('Labelled voxels are chosen with probability pos / (pos + neg).'),
    neg: z.number().min(0).default(1).describe('Those of the background with the rest.'),
    image_threshold: z
      .number()
      .optional()
      .describe('Voxels of the background are chosen where the image is above this; anywhere when absent.'),
  }),
  z.strictObject({
    name: z.literal('RandFlip').describe('Mirrored.'),
    prob,
    spatial_axis: z
      .union([z.number().int().min(0).max(2), z.array(z.number().int().min(0).max(2)).min(1).max(3)])
      .optional()
      .describe('Axis, or axes at once: 0 is x, 1 is y, 2 is z; all when absent.'),
  }),
  z.strictObject({
    name: z.literal('RandAffine').describe('Turned, sheared, shifted and scaled about the middle, in voxels.'),
    prob,
    ...affineRanges,
  }),
  z.strictObject({
    name: z
      .literal('Rand3DElastic')
      .describe('Bent by smoothed noise, then turned, sheared, shifted and scaled as by RandAffine.'),
    sigma_range: z
      .tuple([z.number().positive(), z.number().positive()])
      .describe('Between these, in voxels, lies the deviation of the Gaussian that smooths the noise.'),
    magnitude_range: pair.describe(
      'Between these lies the factor of the smoothed noise, whose displacements are in voxels.',
    ),
    prob,
    ...affineRanges,
  }),
  z.strictObject({
    name: z.literal('RandGaussianNoise').describe('Noise of a deviation drawn from 0 to `std`.'),
    prob,
    mean: z.number().default(0).describe('Mean of the noise.'),
    std: z.number().min(0).default(0.1).describe('Largest deviation.'),
  }),
  z.strictObject({
    name: z.literal('RandScaleIntensity').describe('value · (1 + factor), one factor for the image.'),
    factors: spread.describe('Range of the factor; a number stands for as much either way.'),
    prob,
  }),
  z.strictObject({
    name: z.literal('RandShiftIntensity').describe('value + offset, one offset for the image.'),
    offsets: spread.describe('Range of the offset; a number stands for as much either way.'),
    prob,
  }),
] as const;

/** A transform by itself. */
export const stepSchema = z.discriminatedUnion('name', [...deterministic, ...random]);

const allowed = 'a list of transforms, each a mapping with a name and its keys';

const composeSchema = z.strictObject({
  name: z.literal('Compose').describe('A list within the list, such as one that is shared by YAML anchor.'),
  transforms: z
    .array(stepSchema)
    .min(1)
    .meta({ allowed })
    .describe('Done in order, as if they stood in the list themselves.'),
});

export const transformsSchema = z
  .array(z.discriminatedUnion('name', [...deterministic, ...random, composeSchema]))
  .meta({ allowed })
  .default([{ name: 'NormalizeIntensity', nonzero: true, channel_wise: true }])
  .describe(
    'What is done to every image, in order, by the names and with the arguments of MONAI (0.2.0): the deterministic ' +
      'transforms first (they are done once and kept, and prediction does them too), then the random ones, `Rand…` (drawn anew ' +
      'for every training sample).',
  );
