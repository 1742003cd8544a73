import { z } from 'zod';
import { readSafetensors, type StoredTensor } from '../../checkpoint/safetensors.ts';
import { SafetensorsError } from '../../checkpoint/safetensorsError.ts';
import { blendModes, paddingModes } from '../../config/schema/inference.ts';
import { modelSchema } from '../../config/schema/model.ts';
import { optimizerSchema } from '../../config/schema/optimizer.ts';
import { moduleSchema, type ModuleCase } from './moduleSchema.ts';
import { surfaceSchema } from './surfaceSchema.ts';
import { transformCaseSchema, type TransformCase } from './transformSchema.ts';

const positive = z.number().int().positive();

const trainSchema = z.object({
  kind: z.literal('train'),
  model: modelSchema,
  shape: z.array(positive),
  batch: positive,
  micro_batches: positive,
  batch_norm: z.enum(['micro', 'deferred']),
  steps: positive,
  optimizer: optimizerSchema,
  loss: z.literal('lamp'),
});

const reduction = z.enum(['none', 'mean', 'sum']);

const lossSchema = z.discriminatedUnion('loss', [
  z.object({
    kind: z.literal('loss'),
    loss: z.literal('DiceLoss'),
    include_background: z.boolean().default(true),
    softmax: z.boolean().default(false),
    sigmoid: z.boolean().default(false),
    squared_pred: z.boolean().default(false),
    jaccard: z.boolean().default(false),
    reduction: reduction.default('mean'),
  }),
  z.object({
    kind: z.literal('loss'),
    loss: z.literal('FocalLoss'),
    gamma: z.number(),
    reduction: reduction.default('mean'),
  }),
]);

const metricSchema = z.discriminatedUnion('metric', [
  z.object({
    kind: z.literal('metric'),
    metric: z.literal('compute_meandice'),
    include_background: z.boolean(),
    mutually_exclusive: z.literal(true),
  }),
  surfaceSchema,
]);

const slidingWindowSchema = z.object({
  kind: z.literal('sliding_window'),
  roi_size: z.union([z.number().int(), z.array(z.number().int()).min(1).max(3)]),
  sw_batch_size: positive,
  overlap: z.union([z.number(), z.array(z.number())]).default(0.25),
  mode: z.enum(blendModes).default('constant'),
  sigma_scale: z.number().positive().default(0.125),
  padding_mode: z.enum(paddingModes).default('constant'),
  cval: z.number().default(0),
  predictor: z.literal('channel 0: 2x+1; channel 1: mean of the window'),
});

export type TrainCase = z.infer<typeof trainSchema>;
export type LossCase = z.infer<typeof lossSchema>;
export type MetricCase = z.infer<typeof metricSchema>;

export type SlidingWindowCase = z.infer<typeof slidingWindowSchema>;

const SCHEMAS = {
  module: moduleSchema,
  sliding_window: slidingWindowSchema,
  train: trainSchema,
  loss: lossSchema,
  metric: metricSchema,
  transform: transformCaseSchema,
} as const;

/** A case that we can run, or one of a kind that we cannot. */
export type CaseDescription =
  | {
      readonly status: 'known';
      readonly description: ModuleCase | SlidingWindowCase | TrainCase | LossCase | MetricCase | TransformCase;
    }
  | { readonly status: 'unknown'; readonly kind: string; readonly reason: string };

export interface ReferenceCase {
  readonly file: string;
  readonly description: CaseDescription;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Reads a reference case: its description is the metadata entry `case`, its tensors are inputs and expected results. */
export async function readReferenceCase(file: string): Promise<ReferenceCase> {
  const { metadata, tensors } = await readSafetensors(file);
  const text = metadata.get('case');
  if (text === undefined) throw new SafetensorsError(file, 'is no reference case: its metadata has no entry `case`');
  return { file, description: describe(JSON.parse(text)), tensors };
}

function describe(raw: unknown): CaseDescription {
  const kind = z.object({ kind: z.string() }).parse(raw).kind;
  if (!(kind in SCHEMAS)) return { status: 'unknown', kind, reason: `cases of kind ${kind} cannot be run yet` };
  const parsed = SCHEMAS[kind as keyof typeof SCHEMAS].safeParse(raw);
  if (parsed.success) return { status: 'known', description: parsed.data };
  const [issue] = parsed.error.issues;
  return {
    status: 'unknown',
    kind,
    reason: `${issue?.path.join('.') ?? 'case'}: ${issue?.message ?? 'not understood'}`,
  };
}

/** A tensor that the case must have. */
export function tensorOf({ file, tensors }: ReferenceCase, name: string): StoredTensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new SafetensorsError(file, `has no tensor ${name}`);
  return tensor;
}

/** The tensors under a prefix, by the name behind it. */
export const tensorsUnder = ({ tensors }: ReferenceCase, prefix: string): ReadonlyMap<string, StoredTensor> =>
  new Map(
    [...tensors].flatMap(([name, tensor]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [])),
  );
