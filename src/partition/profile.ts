import { z } from 'zod';
import type { ModelSpec } from '../config/runFile.ts';
import { modelSchema } from '../config/schema/model.ts';
import type { CellCost } from './cost.ts';

/*
 * The measured times of a model's cells and of the links between workers, as a file that says what they hold for. Measuring is
 * the worker's.
 */

const milliseconds = z.number().min(0);
const positive = z.number().int().positive();
const count = z.number().int().min(0);
/** The quartiles on both sides of a median. */
const quartiles = z.tuple([milliseconds, milliseconds]);

const cellSchema = z.strictObject({
  name: z.string().min(1),
  /** Medians over the repetitions and workers, in milliseconds of one micro-batch on a worker of speed 1. */
  forward: milliseconds,
  backward: milliseconds,
  /** The two halves of the backward pass. */
  backward_input: milliseconds,
  backward_weights: milliseconds,
  spread: z.strictObject({
    forward: quartiles,
    backward: quartiles,
    backward_input: quartiles,
    backward_weights: quartiles,
  }),
});

const workerSchema = z.strictObject({
  /** What computes: a GPU's or a processor's name. */
  device: z.string().min(1),
  threads: positive,
  /** Its host, where that is another than the coordinator's: links to it are as they are for that host alone. */
  host: z.string().min(1).optional(),
  /** Against the median of all workers. */
  speed: z.number().positive(),
});

const linkSchema = z.strictObject({
  from: count,
  to: count,
  /** Milliseconds from one worker to the other, whatever the size. */
  latency: milliseconds,
  bytes_per_ms: z.number().positive(),
  /** At which a message occupies the workers themselves: out of the one's engine, into the other's. */
  copy_bytes_per_ms: z.number().positive(),
});

export const profileSchema = z.strictObject({
  version: z.literal(3),
  model: modelSchema,
  /** Of one micro-batch: (batch, …spatial, channels). */
  input_shape: z.array(positive).min(4).max(5),
  engine: z.enum(['tensorflow', 'cpu']),
  loss: z.string().min(1),
  optimizer: z.string().min(1),
  /** All of them were timed side by side. */
  workers: z.array(workerSchema).min(1),
  /** How often each cell was timed at most, after warming up. */
  repeats: positive,
  cells: z.array(cellSchema).min(1),
  loss_milliseconds: milliseconds,
  /** Of the optimizer's update, for a million parameters. */
  update_per_million: milliseconds,
  /** Those that were measured, by ordered pair; none for one worker. */
  links: z.array(linkSchema),
});

export type Profile = z.infer<typeof profileSchema>;
export type MeasuredLink = Profile['links'][number];

/** What a profile has to hold for, to be of use to a run. */
export type ProfileSubject = Pick<Profile, 'model' | 'input_shape' | 'engine' | 'loss' | 'optimizer'> & {
  readonly workers: readonly Pick<Profile['workers'][number], 'device' | 'threads' | 'host'>[];
};

/** A file that is no profile: every fault, by its key. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
  readonly file: string;
  readonly faults: readonly string[];

  constructor(file: string, faults: readonly string[], options?: ErrorOptions) {
    super(
      `${file} is no profile of this version (${faults.join('; ')}); remove it, and the next run measures again`,
      options,
    );
    this.file = file;
    this.faults = faults;
  }
}

/** A profile of something else. */
export class ProfileMismatchError extends Error {
  override readonly name = 'ProfileMismatchError';
  readonly differing: readonly string[];

  constructor(file: string, differing: readonly string[]) {
    super(`${file} does not hold for this run: ${differing.join('; ')}; measure again (lamp profile), or leave it out`);
    this.differing = differing;
  }
}

/** Reads a profile from the text of its file; throws a ProfileError. */
export const parseProfile = (text: string, file: string): Profile => {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new ProfileError(file, [`not JSON: ${cause instanceof Error ? cause.message : String(cause)}`], { cause });
  }
  const result = profileSchema.safeParse(data);
  if (result.success) return result.data;
  throw new ProfileError(
    file,
    result.error.issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message)),
  );
};

/** The text of its file. */
export const formatProfile = (profile: Profile): string => `${JSON.stringify(profile, undefined, 2)}\n`;

/** What a profile does not fit in, by key, for a message; empty where it holds for the run. */
export const profileMismatches = (
  profile: Profile,
  subject: ProfileSubject,
  cells: readonly { readonly name: string }[],
): string[] => {
  const keys = ['engine', 'input_shape', 'loss', 'optimizer'] as const;
  const pairs: (readonly [key: string, measured: unknown, wanted: unknown])[] = [
    ...keys.map((key) => [key, profile[key], subject[key]] as const),
    ...modelPairs(profile.model, subject.model),
    ...workerPairs(profile, subject),
  ];
  const differing = pairs
    .map(([key, measured, wanted]) => [key, JSON.stringify(measured), JSON.stringify(wanted)] as const)
    .filter(([, measured, wanted]) => measured !== wanted)
    .map(([key, measured, wanted]) => `${key} was ${measured}, and is ${wanted}`);
  const sameCells =
    profile.cells.length === cells.length && profile.cells.every(({ name }, index) => name === cells[index]?.name);
  return sameCells
    ? differing
    : [...differing, `its ${profile.cells.length} cells are not the model's ${cells.length}`];
};

/** Their number, or where it is the same, each. */
const workerPairs = (
  { workers }: Profile,
  subject: ProfileSubject,
): (readonly [key: string, measured: unknown, wanted: unknown])[] => {
  if (workers.length !== subject.workers.length) return [['workers', workers.length, subject.workers.length]];
  return workers.flatMap((worker, index) =>
    (['device', 'threads', 'host'] as const).map((key) => [
      `workers.${index}.${key}`,
      worker[key],
      subject.workers[index]?.[key],
    ]),
  );
};

/** Whether a profile holds for a run. */
export const profileMatches = (
  profile: Profile,
  subject: ProfileSubject,
  cells: readonly { readonly name: string }[],
): boolean => profileMismatches(profile, subject, cells).length === 0;

/** The keys of either model, the name first. */
const modelPairs = (measured: ModelSpec, wanted: ModelSpec): (readonly [string, unknown, unknown])[] => {
  const [before, now]: Record<string, unknown>[] = [measured, wanted];
  const keys = new Set([...Object.keys(measured), ...Object.keys(wanted)]);
  return [...keys].map((key) => [`model.${key}`, before?.[key], now?.[key]]);
};

/** The estimates with the measured times in their place; the cells of a profile that matches are in the same order. */
export const measuredCosts = (profile: Profile, estimates: readonly CellCost[]): CellCost[] =>
  estimates.map((estimate, index) => {
    const { forward = estimate.forward, backward = estimate.backward } = profile.cells[index] ?? {};
    return { ...estimate, forward, backward };
  });
