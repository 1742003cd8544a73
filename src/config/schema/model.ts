import { z } from 'zod';
import { positive } from './number.ts';

export const modelSchema = z.strictObject({
  name: z.literal('unetpipe').describe("The network: `unetpipe` is LAMP's parallel U-Net."),
  spatial_dims: z
    .union([z.literal(2), z.literal(3)])
    .default(3)
    .describe('Spatial axes of the network.'),
  in_channels: positive.default(1).describe('Channels of the images.'),
  out_channels: positive.min(2).describe('Channels of the output: the number of `data.classes`.'),
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
