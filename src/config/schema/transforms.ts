import { z } from 'zod';

/** Names, arguments and meanings are MONAI's (0.2.0). */
const transformSchema = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('NormalizeIntensity').describe('(value − mean) / standard deviation.'),
    nonzero: z.boolean().default(false).describe('Over the voxels that are not zero, which stay zero.'),
    channel_wise: z.boolean().default(false).describe('Each channel by itself.'),
  }),
]);

export const transformsSchema = z
  .array(transformSchema)
  .default([{ name: 'NormalizeIntensity', nonzero: true, channel_wise: true }])
  .describe(
    'What is done to every image, in order: the deterministic transforms first (they are done once and kept, and prediction ' +
      'does them too), then the random ones (drawn anew for every training sample).',
  );
