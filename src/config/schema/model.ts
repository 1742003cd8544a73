import { z } from 'zod';
import { positive } from './number.ts';

const spatialDims = z.union([z.literal(2), z.literal(3)]);
const inChannels = positive.default(1).describe('Channels of the images.');
const outChannels = positive.min(2).describe('Channels of the output: the number of `data.classes`.');

const unetpipe = z.strictObject({
  name: z.literal('unetpipe').describe("LAMP's parallel U-Net."),
  spatial_dims: spatialDims.default(3).describe('Spatial axes of the network.'),
  in_channels: inChannels,
  out_channels: outChannels,
  n_feat: positive
    .default(32)
    .describe(
      'Features at half resolution; they double with every level down, up to 1024 (22.9 million parameters at 32).',
    ),
  depth: positive
    .max(10)
    .default(4)
    .describe('Levels below the stem. Spatial sizes must be multiples of 2^(depth + 1).'),
  norm: z.enum(['batch', 'instance', 'group']).default('batch').describe('Normalization after each convolution.'),
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

export const modelSchema = z.discriminatedUnion('name', [unetpipe, coplenet]);
