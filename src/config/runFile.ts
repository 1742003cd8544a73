import { z } from 'zod';
import { dataSchema } from './schema/data.ts';
import { inferenceSchema } from './schema/inference.ts';
import { checkpointsSchema, recoverySchema } from './schema/keeping.ts';
import { lossSchema } from './schema/loss.ts';
import { modelSchema } from './schema/model.ts';
import { lrScheduleSchema, optimizerSchema } from './schema/optimizer.ts';
import { phasesSchema } from './schema/phase.ts';
import { engineSchema, pipelineSchema } from './schema/pipeline.ts';
import { trainingSchema } from './schema/training.ts';

/*
 * The run file's schema. Keys are written as PyTorch and MONAI users write them (snake_case); a default and a description
 * stand at each key, and docs/run-file.md is generated from them.
 */
const fields = z.strictObject({
  name: z
    .string()
    .regex(/^\w[\w.-]*$/)
    .meta({
      description: 'Name of the run and of its folder.',
      allowed: 'letters, digits, dot, dash and underscore, the first one no dot or dash',
    }),
  seed: z.number().int().min(0).default(0).describe('Every random draw follows from it.'),
  model: modelSchema,
  data: dataSchema,
  loss: lossSchema.prefault({ name: 'lamp' }),
  optimizer: optimizerSchema,
  lr_schedule: lrScheduleSchema.prefault({ name: 'constant' }),
  training: trainingSchema,
  pipeline: pipelineSchema.prefault({}),
  engine: engineSchema.prefault({}),
  checkpoints: checkpointsSchema.prefault({}),
  recovery: recoverySchema.prefault({}),
  phases: phasesSchema,
  inference: inferenceSchema.prefault({}),
});

/** Parses a run file and fills in what follows from other keys. */
export const runFileSchema = fields.transform((run) => ({
  ...run,
  pipeline: { ...run.pipeline, micro_batches: run.pipeline.micro_batches ?? run.training.batch_size },
  ...(run.phases ? { phases: run.phases.map((phase) => settledPhase(phase, run.pipeline.micro_batches)) } : {}),
}));

type PhaseFields = NonNullable<z.output<typeof phasesSchema>>[number];

/** One sample a micro-batch is the default of a phase, too: it follows the phase's own batch size where nobody says a number. */
function settledPhase(phase: PhaseFields, asked: number | 'auto' | undefined): PhaseFields {
  const parts = phase.training?.batch_size;
  if (asked !== undefined || parts === undefined || phase.pipeline?.micro_batches !== undefined) return phase;
  return { ...phase, pipeline: { ...phase.pipeline, micro_batches: parts } };
}

export type RunFile = z.infer<typeof runFileSchema>;
export type ModelSpec = RunFile['model'];
export type OptimizerSpec = RunFile['optimizer'];
export type LrScheduleSpec = RunFile['lr_schedule'];
export type LossSpec = RunFile['loss'];
export type PipelineSpec = RunFile['pipeline'];
export type EngineSpec = RunFile['engine'];
export type DataSpec = RunFile['data'];
export type RecoverySpec = RunFile['recovery'];
export type SelfEnsemblingSpec = NonNullable<RunFile['training']['self_ensembling']>;
export type NotFiniteSpec = RunFile['training']['not_finite'];
export type PhaseSpec = NonNullable<RunFile['phases']>[number];
export type CaseSpec = DataSpec['train'][number];
export type TransformSpec = DataSpec['transforms'][number];
export type RecomputeMode = Exclude<PipelineSpec['recompute'], 'auto'>;
export type SkipWay = Exclude<PipelineSpec['skips'], 'auto'>;
export type BatchNormMode = PipelineSpec['batch_norm'];
