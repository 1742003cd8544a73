import { isDeepStrictEqual } from 'node:util';
import { withAbsolutePaths } from './dataPaths.ts';
import type { RunFile } from './runFile.ts';

/** What may be otherwise when a run goes on: how it is computed, how long, and what is kept of it; not what is learnt from what. */
const free = {
  run: ['pipeline', 'engine', 'checkpoints', 'recovery', 'inference'],
  training: ['epochs', 'validate_every', 'early_stop', 'best_per_structure', 'not_finite'],
  data: ['loaders', 'prefetch', 'cache', 'unreadable', 'dataset', 'split'],
} as const;

/** The keys in which two run files differ that a run cannot go on with. */
export function frozenDifferences(
  before: { readonly run: RunFile; readonly baseDirectory: string },
  after: { readonly run: RunFile; readonly baseDirectory: string },
): readonly string[] {
  const [a, b] = [frozen(before), frozen(after)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((key) => !isDeepStrictEqual(a.get(key), b.get(key)));
}

/** By key, what must stay: a section's keys one by one. */
function frozen({ run, baseDirectory }: { run: RunFile; baseDirectory: string }): ReadonlyMap<string, unknown> {
  const entries = Object.entries(withAbsolutePaths(run, baseDirectory)).filter(([key]) => !isFree('run', key));
  return new Map(
    entries.flatMap(([key, value]): [string, unknown][] => {
      if (key === 'phases') return [[key, (value as RunFile['phases'])?.map(withoutFree)]];
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[key, value]];
      return Object.entries(value)
        .filter(([name]) => !isFree(key, name))
        .map(([name, inner]) => [`${key}.${name}`, inner]);
    }),
  );
}

const withoutFree = (phase: NonNullable<RunFile['phases']>[number]): unknown => {
  const { training, ...others } = phase;
  const stays = Object.entries(training ?? {}).filter(([name]) => !isFree('training', name));
  return { ...others, pipeline: undefined, training: Object.fromEntries(stays) };
};

const isFree = (section: string, key: string): boolean =>
  (free as Readonly<Record<string, readonly string[]>>)[section]?.includes(key) ?? false;
