import { z } from 'zod';
import { modelSchema } from '../config/schema/model.ts';
import type { CellCost } from './cost.ts';

/*
 * The measured times of a model's cells, as a file that says what they hold for. Measuring is the worker's.
 */

const milliseconds = z.number().min(0);
const positive = z.number().int().positive();

const cellSchema = z.strictObject({
  name: z.string().min(1),
  /** Medians over `repeats`. */
  forward: milliseconds,
  backward: milliseconds,
  /** The two halves of the backward pass, where they were measured apart. */
  backward_input: milliseconds.optional(),
  backward_weights: milliseconds.optional(),
});

export const profileSchema = z.strictObject({
  version: z.literal(1),
  model: modelSchema,
  /** Of one micro-batch: (batch, …spatial, channels). */
  input_shape: z.array(positive).min(4).max(5),
  engine: z.enum(['tensorflow', 'cpu']),
  /** What computed: a GPU's or a processor's name. */
  device: z.string().min(1),
  /** Of one worker. */
  threads: positive,
  /** How often each cell was timed, after warming up. */
  repeats: positive,
  cells: z.array(cellSchema).min(1),
});

export type Profile = z.infer<typeof profileSchema>;

/** What a profile has to hold for, to be of use to a run. */
export type ProfileSubject = Pick<Profile, 'model' | 'input_shape' | 'engine' | 'device' | 'threads'>;

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
  const keys = ['engine', 'device', 'threads', 'input_shape'] as const;
  const pairs: (readonly [key: string, measured: unknown, wanted: unknown])[] = [
    ...keys.map((key) => [key, profile[key], subject[key]] as const),
    ...modelKeys.map((key) => [`model.${key}`, profile.model[key], subject.model[key]] as const),
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

/** Whether a profile holds for a run. */
export const profileMatches = (
  profile: Profile,
  subject: ProfileSubject,
  cells: readonly { readonly name: string }[],
): boolean => profileMismatches(profile, subject, cells).length === 0;

const modelKeys = Object.keys(modelSchema.shape) as (keyof Profile['model'])[];

/** The estimates with the measured times in their place; the cells of a profile that matches are in the same order. */
export const measuredCosts = (profile: Profile, estimates: readonly CellCost[]): CellCost[] =>
  estimates.map((estimate, index) => {
    const { forward = estimate.forward, backward = estimate.backward } = profile.cells[index] ?? {};
    return { ...estimate, forward, backward };
  });

/** The middle of repeated times; of an even number, the mean of the middle two. */
export const median = (times: readonly number[]): number => {
  const sorted = times.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
};
