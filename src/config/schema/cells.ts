import { z } from 'zod';
import { notNegative, positive } from './number.ts';

const size = z.union([positive, z.array(positive).min(2).max(3)]);
const kernel = size.describe('Size of the kernel: one for all axes, or one for each.');
const stride = size.default(1).describe('Steps of the kernel.');
const bias = z.boolean().default(true).describe('Whether there is a bias.');

/** Channels are those that come in, where nothing is said; sizes are one number for all axes, or one for each. */
const layerSchema = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('convolution').describe('A convolution.'),
    channels: positive.describe('Channels that come out.'),
    kernel: kernel.default(3),
    stride,
    dilation: size.default(1).describe('Distance of the voxels that the kernel sees.'),
    padding: z
      .union([z.literal('same'), z.number().int().min(0)])
      .default('same')
      .describe('Zeros on either side; `same` keeps the size at stride 1.'),
    bias,
  }),
  z.strictObject({
    name: z.literal('transposed_convolution').describe('A transposed convolution.'),
    channels: positive.describe('Channels that come out.'),
    kernel: kernel.default(2),
    stride: stride.unwrap().default(2),
    bias,
  }),
  z.strictObject({ name: z.literal('batch_norm').describe('Batch normalization.') }),
  z.strictObject({ name: z.literal('instance_norm').describe('Instance normalization with scale and offset.') }),
  z.strictObject({
    name: z.literal('group_norm').describe('Group normalization.'),
    groups: positive.default(8).describe('Groups; they divide the channels.'),
  }),
  z.strictObject({
    name: z.literal('leaky_relu').describe('Leaky ReLU.'),
    slope: notNegative.default(0.01).describe('What is left of negative values.'),
  }),
  z.strictObject({ name: z.literal('relu').describe('ReLU.') }),
  z.strictObject({ name: z.literal('prelu').describe('ReLU with one learnt slope.') }),
  z.strictObject({ name: z.literal('sigmoid').describe('Sigmoid.') }),
  z.strictObject({
    name: z.literal('max_pool').describe('The largest value of each window.'),
    kernel: kernel.default(2),
  }),
  z.strictObject({ name: z.literal('average_pool').describe('The mean of each window.'), kernel: kernel.default(2) }),
  z.strictObject({
    name: z.literal('upsample').describe('Linear upsampling, corners aligned.'),
    scale: size.default(2).describe('By how much.'),
  }),
  z.strictObject({
    name: z.literal('dropout').describe('Dropout, in training.'),
    rate: z.number().min(0).lt(1).describe('Share of the values that become 0.'),
  }),
]);

const skip = z.string().min(1);

/** The cells of a network of the user's own: see docs/your-own-model.md. */
export const cellsSchema = z
  .array(
    z.strictObject({
      name: z
        .string()
        .regex(/^[\w-]+(\.[\w-]+)*$/)
        .meta({ description: 'Name, with which those of its parameters begin.', allowed: 'words joined by dots' }),
      layers: z.array(layerSchema).default([]).describe('What the cell does, in order.'),
      pop: skip.optional().describe('The skip that is joined to the input.'),
      pop_through: z.array(layerSchema).optional().describe('What that skip goes through first.'),
      join: z.enum(['concatenate', 'add']).default('concatenate').describe('How it is joined.'),
      stash: skip.optional().describe('The skip that the output is also left under, for one later cell.'),
    }),
  )
  .min(1);

export type CellSpec = z.infer<typeof cellsSchema>[number];
export type LayerSpec = z.infer<typeof layerSchema>;
