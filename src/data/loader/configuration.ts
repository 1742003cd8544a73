import { z } from 'zod';
import { dataSchema } from '../../config/schema/data.ts';
import { modelSchema } from '../../config/schema/model.ts';
import { transformsSchema } from '../../config/schema/transforms.ts';

/** What a loader process feeds from. */
const configurationSchema = z.discriminatedUnion('kind', [
  /** A reference case: its own mini-batches, step by step. */
  z.strictObject({ kind: z.literal('replay'), file: z.string() }),
  /** The images of a run file, cropped and augmented for training and whole for validation. */
  z.strictObject({
    kind: z.literal('dataset'),
    data: dataSchema,
    model: modelSchema,
    seed: z.number().int().nonnegative(),
    /** Where relative paths begin. */
    baseDirectory: z.string(),
  }),
  /** Random images and labels, drawn once and sent again and again: speed without data. */
  z.strictObject({
    kind: z.literal('synthetic'),
    /** (batch, …spatial, channels) of the mini-batch. */
    shape: z.array(z.number().int().positive()).min(4).max(5),
    classes: z.number().int().positive(),
    seed: z.number().int().nonnegative(),
  }),
  /** Image files, one by one, as requests name them. */
  z.strictObject({
    kind: z.literal('images'),
    model: modelSchema,
    transforms: transformsSchema,
    npy_spacing: dataSchema.shape.npy_spacing,
  }),
]);

export type LoaderConfiguration = z.infer<typeof configurationSchema>;

/** Threads that make samples, where there is a choice. Whoever starts the loader knows how many cores are left; else it is one. */
export function threadsOf(configuration: LoaderConfiguration): number {
  if (configuration.kind !== 'dataset') return 0;
  const { loaders } = configuration.data;
  return loaders === 'auto' ? 1 : loaders;
}

/** Reads what the coordinator left in the environment. */
export function parseLoaderConfiguration(text: string | undefined): LoaderConfiguration {
  if (text === undefined) throw new Error('LAMP_LOADER is not set: the loader is started by the coordinator');
  return configurationSchema.parse(JSON.parse(text));
}
