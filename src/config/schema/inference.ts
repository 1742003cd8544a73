import { z } from 'zod';
import { positive } from './number.ts';

export const inferenceModes = ['whole', 'sliding'] as const;
export const blendModes = ['constant', 'gaussian'] as const;
export const paddingModes = ['constant', 'reflect', 'replicate', 'circular'] as const;

/** How images are segmented by `lamp predict`; its flags win over these keys. */
export const inferenceSchema = z.strictObject({
  mode: z
    .enum(inferenceModes)
    .default('whole')
    .describe('`whole`: the image goes through the network in one piece; `sliding`: window by window.'),
  roi: z
    .array(z.union([positive, z.literal('whole')]))
    .length(3)
    .default([96, 96, 96])
    .describe(
      'Size of the windows along x, y, z in voxels. `whole` along an axis: all of the image, padded to what the network can ' +
        'halve. For a 2D network z is a number of slices.',
    ),
  overlap: z
    .union([z.number().min(0).lt(1), z.array(z.number().min(0).lt(1)).length(3)])
    .default(0.25)
    .describe('Share of a window that the next one covers again, or one for each of x, y, z.'),
  blend: z
    .enum(blendModes)
    .default('constant')
    .describe('Where windows overlap: all count the same, or by a Gaussian about their middle.'),
  sigma_scale: z.number().positive().default(0.125).describe('Standard deviation of that Gaussian, in window lengths.'),
  padding_mode: z
    .enum(paddingModes)
    .default('constant')
    .describe('What lies around an image that is smaller than the window.'),
  cval: z.number().default(0).describe('The value there under `constant`, in units of the transformed image.'),
  sw_batch_size: positive
    .default(4)
    .describe('Windows that enter the pipeline together, each as a micro-batch; as many again may be under way.'),
});

export type InferenceSpec = z.infer<typeof inferenceSchema>;
