import { z } from 'zod';

/*
 * The run file's schema. Keys are written as PyTorch and MONAI users write them (snake_case); a default stands at each key.
 */

const positive = z.number().int().positive();
const spatial = z.array(positive).min(2).max(3);

export const modelSchema = z.strictObject({
  name: z.literal('unetpipe'),
  spatial_dims: z.union([z.literal(2), z.literal(3)]).default(3),
  in_channels: positive.default(1),
  out_channels: positive.min(2),
  n_feat: positive.default(32),
  depth: positive.max(10).default(4),
  norm: z.enum(['batch', 'instance', 'group']).default('batch'),
});

export const optimizerSchema = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('sgd'),
    lr: z.number().positive(),
    momentum: z.number().min(0).lt(1).default(0),
    nesterov: z.boolean().default(false),
    weight_decay: z.number().min(0).default(0),
  }),
  z.strictObject({
    name: z.literal('rmsprop'),
    lr: z.number().positive(),
    alpha: z.number().min(0).lt(1).default(0.99),
    eps: z.number().positive().default(1e-8),
    weight_decay: z.number().min(0).default(0),
  }),
  z.strictObject({
    name: z.enum(['adam', 'adamw']),
    lr: z.number().positive(),
    betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.999]),
    eps: z.number().positive().default(1e-8),
    weight_decay: z.number().min(0).optional(),
  }),
]);

export const lrScheduleSchema = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('constant'), warmup_steps: z.number().int().min(0).default(0) }),
  z.strictObject({
    name: z.literal('step'),
    every: positive,
    gamma: z.number().positive().default(0.1),
    warmup_steps: z.number().int().min(0).default(0),
  }),
  z.strictObject({
    name: z.literal('polynomial'),
    power: z.number().positive().default(0.9),
    warmup_steps: z.number().int().min(0).default(0),
  }),
  z.strictObject({
    name: z.literal('cosine'),
    min_lr: z.number().min(0).default(0),
    warmup_steps: z.number().int().min(0).default(0),
  }),
]);

export const lossSchema = z.discriminatedUnion('name', [
  /** LAMP's Dice + 0.5 · focal. */
  z.strictObject({
    name: z.literal('lamp'),
    focal_weight: z.number().min(0).default(0.5),
    focal_gamma: z.number().min(0).default(2),
    class_weights: z.array(z.number().min(0)).optional(),
  }),
  z.strictObject({ name: z.literal('cross_entropy'), class_weights: z.array(z.number().min(0)).optional() }),
]);

export const pipelineSchema = z.strictObject({
  workers: z.union([positive, z.literal('auto')]).default('auto'),
  micro_batches: positive.default(1),
  schedule: z.literal('gpipe').default('gpipe'),
  recompute: z.enum(['always', 'except_last', 'never']).default('except_last'),
  batch_norm: z.enum(['micro', 'deferred']).default('micro'),
  /** How many cells each stage holds, where a person wants to say it; else the optimal cut of the measured times. */
  balance: z.array(positive).optional(),
});

export const engineSchema = z.strictObject({
  name: z.enum(['tensorflow', 'cpu', 'auto']).default('auto'),
  /** Threads of each worker; by default its share of the cores. */
  threads: positive.optional(),
});

const caseSchema = z.strictObject({ image: z.string().min(1), label: z.string().min(1) });

export const dataSchema = z.strictObject({
  train: z.array(caseSchema).min(1),
  validation: z.array(caseSchema).default([]),
  /** Names of the classes, background first. */
  classes: z.array(z.string().min(1)).min(2),
  /** Size of the training crops along x, y, z; `whole` trains on whole images. */
  patch_size: z.union([spatial, z.literal('whole')]).default('whole'),
  /** Share of crops that are centred on a labelled voxel. */
  foreground: z.number().min(0).max(1).default(0.67),
  samples_per_epoch: positive.optional(),
  augment: z
    .strictObject({
      /** Largest rotation about each axis, in degrees. */
      rotate: z.number().min(0).max(180).default(0),
      /** Largest change of scale: 0.1 is 0.9 to 1.1. */
      scale: z.number().min(0).lt(1).default(0),
      /** Largest displacement of the elastic deformation, in voxels. */
      elastic: z.number().min(0).default(0),
      /** Standard deviation of the added noise, in units of the normalized image. */
      noise: z.number().min(0).default(0),
      /** Largest relative change of contrast and shift of brightness. */
      intensity: z.number().min(0).lt(1).default(0),
    })
    .prefault({}),
  /** Validation images are deformed by this, from a draw that training never makes. */
  validation_deformation: z
    .strictObject({ rotate: z.number().default(0), scale: z.number().default(0), elastic: z.number().default(0) })
    .optional(),
});

export const trainingSchema = z.strictObject({
  epochs: positive,
  batch_size: positive,
  /** Validate every n epochs; the last one always. 0: never. */
  validate_every: z.number().int().min(0).default(1),
  /** Gradients are scaled down to this global norm (over all stages). */
  clip_norm: z.number().positive().optional(),
});

export const runFileSchema = z.strictObject({
  name: z.string().regex(/^[\w.-]+$/, 'letters, digits, dot, dash and underscore'),
  seed: z.number().int().min(0).default(0),
  model: modelSchema,
  data: dataSchema,
  loss: lossSchema.prefault({ name: 'lamp' }),
  optimizer: optimizerSchema,
  lr_schedule: lrScheduleSchema.prefault({ name: 'constant' }),
  training: trainingSchema,
  pipeline: pipelineSchema.prefault({}),
  engine: engineSchema.prefault({}),
});

export type ModelSpec = z.infer<typeof modelSchema>;
export type OptimizerSpec = z.infer<typeof optimizerSchema>;
export type LrScheduleSpec = z.infer<typeof lrScheduleSchema>;
export type LossSpec = z.infer<typeof lossSchema>;
export type PipelineSpec = z.infer<typeof pipelineSchema>;
export type EngineSpec = z.infer<typeof engineSchema>;
export type DataSpec = z.infer<typeof dataSchema>;
export type TrainingSpec = z.infer<typeof trainingSchema>;
export type RunFile = z.infer<typeof runFileSchema>;
export type RecomputeMode = PipelineSpec['recompute'];
export type BatchNormMode = PipelineSpec['batch_norm'];
