import { z } from 'zod';
import type { PhaseSummary } from '../../telemetry/trainEvent.ts';
import type { PhaseState } from '../phaseRun.ts';
import type { Validation } from '../validator.ts';

/*
 * What the coordinator writes of itself into a checkpoint, and reads from one. Random draws have names and no state: they follow
 * from the seed and the place in the data.
 */

const count = z.number().int().nonnegative();
/** A Dice score may be NaN, and a limit infinite. */
const figure = z.custom<number>((value) => typeof value === 'number', 'expected a number');
const dice = z.strictObject({ dice: figure, epoch: count });

const summarySchema = z.strictObject({
  phase: z.string().optional(),
  steps: count,
  updates: count,
  epochs: count,
  seconds: figure,
  stoppedEarly: z.boolean(),
  best: z.strictObject({ meanDice: figure, epoch: count }).optional(),
  structures: z.record(z.string(), dice),
});

const phaseStateSchema = z.strictObject({
  steps: count,
  epochs: count,
  updates: count,
  seconds: figure,
  leftOut: z.strictObject({ row: count, rateFactor: figure }),
  ensembling: z.strictObject({ step: count, losses: z.array(figure), limit: figure }).optional(),
  validations: z.strictObject({
    found: z.strictObject({ mean: dice.optional(), structures: z.record(z.string(), dice) }),
    /** Its predictions lie in a file beside. */
    best: z
      .strictObject({ dice: z.record(z.string(), figure), meanDice: figure, counted: count, seconds: figure })
      .optional(),
    patience: z.strictObject({ best: figure, waited: count }),
    images: count,
  }),
});

/** How the network lay on its workers: where it can lie so again, results are the same bit for bit. */
const layoutRecordSchema = z.strictObject({
  workers: count,
  replicas: count,
  /** Of the run file, as it was. */
  settings: z.string(),
  cells: z.array(count),
  placement: z.array(count),
  schedule: z.string(),
  microBatches: count,
  recompute: z.enum(['always', 'except_last', 'never']),
  threaded: z.array(z.string()),
  cellTimes: z.array(figure),
  durations: z.unknown(),
});

const trainingStateSchema = z.strictObject({
  run: z.string(),
  /** The phase that is trained, and what came of those before. */
  phase: count,
  ended: z.array(z.strictObject({ summary: summarySchema, skipped: z.array(z.string()) })),
  current: phaseStateSchema,
  best: count.optional(),
  layout: layoutRecordSchema,
});

export type LayoutRecord = z.infer<typeof layoutRecordSchema>;

/** What a phase that has ended leaves in a checkpoint. */
export interface EndedRecord {
  readonly summary: PhaseSummary;
  readonly skipped: readonly string[];
}

export interface TrainingState {
  readonly run: string;
  readonly phase: number;
  readonly ended: readonly EndedRecord[];
  readonly current: PhaseState;
  /** The step of the checkpoint of the best validation so far, which is kept whatever comes after it. */
  readonly best?: number | undefined;
  readonly layout: LayoutRecord;
}

/** A checkpoint's state is not one that this version writes. */
export class TrainingStateError extends Error {
  override readonly name = 'TrainingStateError';
}

/** As plain data, without the label maps of the best validation, which have a file of their own. */
export function recordOf({ current, ...state }: TrainingState): unknown {
  const { best, ...validations } = current.validations;
  const { predictions: _, ...figures } = best ?? { predictions: [] };
  return { ...state, current: { ...current, validations: { ...validations, ...(best ? { best: figures } : {}) } } };
}

/** The state that `recordOf` wrote; throws a TrainingStateError for anything else. */
export function parseState(record: unknown, checkpoint: string, predictions: Validation['predictions']): TrainingState {
  const parsed = trainingStateSchema.safeParse(record);
  if (!parsed.success)
    throw new TrainingStateError(
      `${checkpoint} cannot be gone on from: ${z.prettifyError(parsed.error)}\nIt was written by another version of LAMP`,
    );
  const { current, ...state } = parsed.data;
  const { best, found, ...validations } = current.validations;
  return {
    ...state,
    ended: state.ended as readonly EndedRecord[],
    current: {
      ...current,
      ensembling: current.ensembling,
      validations: {
        ...validations,
        found: { mean: found.mean, structures: found.structures },
        best: best ? { ...best, predictions } : undefined,
      },
    },
  };
}
