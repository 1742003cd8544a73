import { InvalidArgumentError, Option } from 'commander';
import { describeAllowed } from '../config/allowed.ts';
import { parseKeyPath } from '../config/keyPath.ts';
import { nodeAt } from '../config/schemaTree.ts';

/** Options that set a key of the run file. */
const runFileFlags = [
  { flag: 'name', value: 'name', key: 'name' },
  { flag: 'workers', value: 'K', key: 'pipeline.workers' },
  { flag: 'replicas', value: 'R', key: 'pipeline.replicas' },
  { flag: 'micro-batches', value: 'M', key: 'pipeline.micro_batches' },
  { flag: 'schedule', value: 'name', key: 'pipeline.schedule' },
  { flag: 'recompute', value: 'mode', key: 'pipeline.recompute' },
  { flag: 'skips', value: 'way', key: 'pipeline.skips' },
  { flag: 'memory', value: 'size', key: 'pipeline.memory' },
  { flag: 'batch-norm', value: 'mode', key: 'pipeline.batch_norm' },
  { flag: 'max-restarts', value: 'N', key: 'recovery.max_restarts' },
  { flag: 'engine', value: 'name', key: 'engine.name' },
  { flag: 'threads', value: 'N', key: 'engine.threads' },
] as const;

type RunFileFlag = (typeof runFileFlags)[number]['flag'];

/** One option for each, or for those that are named, with what is allowed from the schema, which also checks the value. */
export function runFileOptions(flags?: readonly RunFileFlag[]): Option[] {
  return runFileFlags
    .filter(({ flag }) => !flags || flags.includes(flag))
    .map(({ flag, value, key }) => {
      const node = nodeAt(parseKeyPath(key)!);
      return new Option(`--${flag} <${value}>`, `${key}: ${node ? describeAllowed(node) : ''}`);
    });
}

export interface RunFileFlags {
  readonly set?: readonly string[];
  readonly [flag: string]: unknown;
}

/** The overrides that the options of a command line amount to; `--set` first, so that an option of its own wins. */
export function overridesOf(options: RunFileFlags): readonly string[] {
  const flagged = runFileFlags.flatMap(({ flag, key }) => {
    const value = options[camelCase(flag)];
    if (typeof value !== 'string') return [];
    // A name stays text where YAML would see a number.
    return [`${key}=${key === 'name' ? JSON.stringify(value) : value}`];
  });
  return [...(options.set ?? []), ...flagged];
}

const camelCase = (flag: string): string => flag.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

export function setOption(): Option {
  return new Option(
    '--set <key.path=value>',
    'set any key of the run file; again for another (null: its default)',
  ).argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
}

/** A whole number of at least 1. */
export function parseCount(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError('Give a whole number of at least 1.');
  return n;
}

/** `2`, or `1,2,3`. */
export const parseCounts = (text: string): readonly number[] => text.split(',').map(parseCount);
