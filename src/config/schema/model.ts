import { z } from 'zod';
import { cellsSchema } from './cells.ts';
import { positive } from './number.ts';

const spatialDims = z.union([z.literal(2), z.literal(3)]);
const inChannels = positive.default(1).describe('Channels of the images.');
const outChannels = positive.min(2).describe('Channels of the output: the number of `data.classes`.');

/** What the two U-Nets of LAMP share. */
const unetKeys = {
  spatial_dims: spatialDims.default(3).describe('Spatial axes of the network.'),
  in_channels: inChannels,
  out_channels: outChannels,
  n_feat: positive
    .default(32)
    .describe(
      'Features at half resolution; they double with every level down, up to 1024 (`unetpipe` has 22.9 million parameters at 32).',
    ),
  depth: positive
    .max(10)
    .default(4)
    .describe('Levels below the stem. Spatial sizes must be multiples of 2^(depth + 1).'),
  norm: z.enum(['batch', 'instance', 'group']).default('batch').describe('Normalization after each convolution.'),
  deep_supervision: z
    .boolean()
    .default(false)
    .describe(
      'Whether in training up to three coarser levels of the decoder have heads of their own, which count 1/2, 1/4 and 1/8 of the ' +
        'last one.',
    ),
};

const unetpipe = z.strictObject({
  name: z.literal('unetpipe').describe("LAMP's parallel U-Net."),
  ...unetKeys,
});

const seunet = z.strictObject({
  name: z.literal('seunet').describe("LAMP's U-Net with AnatomyNet's residual squeeze-and-excitation blocks."),
  ...unetKeys,
  reduction: positive
    .min(2)
    .max(16)
    .default(2)
    .describe('Squeeze and excitation goes through this many times fewer channels.'),
});

const even = positive.multipleOf(2);
const rate = z.number().min(0).lt(1);

const coplenet = z.strictObject({
  name: z
    .literal('coplenet')
    .describe(
      "COPLE-Net (Wang et al., IEEE TMI 2020) as MONAI's research code has it, for COVID-19 lesions in slices. Spatial sizes must be multiples of 16.",
    ),
  spatial_dims: spatialDims.default(2).describe('Spatial axes of the network.'),
  in_channels: inChannels,
  out_channels: outChannels,
  feature_channels: z
    .tuple([even, even, even, even, positive.multipleOf(4)])
    .refine((widths) => widths.every((width, level) => level === 0 || width === 2 * widths[level - 1]!), {
      error: 'each must be twice the one before: pooling doubles the channels, and its output is added',
    })
    .default([32, 64, 128, 256, 512])
    .describe('Channels of the five levels, each twice the one before (10.5 million parameters with the default).'),
  dropout: z
    .tuple([rate, rate, rate, rate, rate])
    .default([0, 0, 0.3, 0.4, 0.5])
    .describe('Share of the values that are dropped in training, level by level.'),
  bilinear: z
    .boolean()
    .default(true)
    .describe('Upsampling by a 1 × 1 convolution and interpolation; else by transposed convolutions.'),
});

const own = z.strictObject({
  name: z.literal('own').describe('A network of your own: docs/your-own-model.md.'),
  spatial_dims: spatialDims.default(3).describe('Spatial axes of the network.'),
  in_channels: inChannels,
  out_channels: outChannels,
  file: z.string().min(1).optional().describe('YAML file with the cells, which are then kept in `cells`.'),
  cells: cellsSchema.optional().describe('The cells themselves, in place of a file.'),
});

export const modelSchema = z.discriminatedUnion('name', [unetpipe, seunet, coplenet, own]);
