import { z } from 'zod';
import { augmentSchema, dataSchema } from './data.ts';
import { lossSchema } from './loss.ts';
import { lrScheduleSchema } from './optimizer.ts';
import { pipelineSchema } from './pipeline.ts';
import { trainingSchema } from './training.ts';

/** A key that a phase may say: its value without the default, since a phase that is silent takes the run's value. */
type Silent<S extends z.ZodType> = z.ZodOptional<
  z.ZodType<Exclude<z.output<S>, undefined>, Exclude<z.input<S>, undefined>>
>;

const silent = <S extends z.ZodType>(schema: S, key: string): Silent<S> =>
  bare(schema).optional().describe(`In place of \`${key}\`.`) as unknown as Silent<S>;

/** What is under a default, or under what makes a key optional. */
function bare(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return bare(schema.unwrap() as z.ZodType);
  return schema;
}

/** Some keys of a section. */
function silentKeys<S extends z.ZodRawShape, K extends keyof S & string>(
  shape: S,
  section: string,
  keys: readonly K[],
): { [Key in K]: Silent<S[Key] & z.ZodType> } {
  const entries = keys.map((key) => [key, silent(shape[key] as unknown as z.ZodType, `${section}.${key}`)] as const);
  return Object.fromEntries(entries) as { [Key in K]: Silent<S[Key] & z.ZodType> };
}

const keysOf = <S extends object>(shape: S): (keyof S & string)[] => Object.keys(shape) as (keyof S & string)[];

const dataKeys = ['patch_size', 'foreground', 'samples_per_epoch', 'transforms'] as const;
const trainingKeys = [
  'epochs',
  'batch_size',
  'validate_every',
  'clip_norm',
  'not_finite',
  'accumulate',
  'early_stop',
] as const;

/** One part of a curriculum: what it does otherwise than the run. */
export const phaseSchema = z.strictObject({
  name: z
    .string()
    .regex(/^\w[\w.-]*$/)
    .optional()
    .meta({
      description: 'Name of the phase and of its weights (`phases/<name>.safetensors`); `phase-1` … when absent.',
      allowed: 'letters, digits, dot, dash and underscore, the first one no dot or dash',
    }),
  data: z
    .strictObject({
      ...silentKeys(dataSchema.shape, 'data', dataKeys),
      augment: z.strictObject(silentKeys(augmentSchema.shape, 'data.augment', keysOf(augmentSchema.shape))).optional(),
    })
    .optional(),
  training: z.strictObject(silentKeys(trainingSchema.shape, 'training', trainingKeys)).optional(),
  optimizer: z
    .strictObject({ lr: z.number().positive().optional().describe('In place of `optimizer.lr`.') })
    .optional(),
  lr_schedule: silent(lrScheduleSchema, 'lr_schedule'),
  loss: silent(lossSchema, 'loss'),
  pipeline: z.strictObject(silentKeys(pipelineSchema.shape, 'pipeline', keysOf(pipelineSchema.shape))).optional(),
});

export const phasesSchema = z
  .array(phaseSchema)
  .min(1)
  .optional()
  .describe(
    'A curriculum: phases that are trained one after the other, each from the best weights of the one before. A phase says what ' +
      "it does otherwise than the run (a smaller `data.patch_size` first, say); what it leaves out is the run's.",
  );
