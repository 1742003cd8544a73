import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFiles } from '../../src/telemetry/runDirectory.ts';
import type { TrainEvent } from '../../src/telemetry/trainEvent.ts';

/** What a run came to, as far as a failure on its way may not change it. */
export interface Outcome {
  /** SHA-256 of every file of parameters. */
  readonly weights: Readonly<Record<string, string>>;
  /** By step: of what was done twice, the last. */
  readonly losses: Readonly<Record<number, number>>;
  readonly dice: Readonly<Record<number, number>>;
}

/** From the folder of a run that has ended. */
export function outcomeOf(directory: string): Outcome {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /^[^/]*\.safetensors$/.test(file) || file.startsWith('best/'),
  );
  const events = readFileSync(join(directory, runFiles.metrics), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as TrainEvent);
  return {
    weights: Object.fromEntries(files.toSorted().map((file) => [file, digest(join(directory, file))])),
    losses: Object.fromEntries(events.flatMap((event) => (event.kind === 'step' ? [[event.step, event.loss]] : []))),
    dice: Object.fromEntries(
      events.flatMap((event) => (event.kind === 'validated' ? [[event.step, event.meanDice]] : [])),
    ),
  };
}

const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** In what a run differs from the one that nothing befell; empty where in nothing. */
export function differences(outcome: Outcome, expected: Outcome): readonly string[] {
  return (['weights', 'losses', 'dice'] as const).flatMap((what) => {
    const [is, should]: Record<string, string | number>[] = [outcome[what], expected[what]];
    const keys = [...new Set([...Object.keys(is!), ...Object.keys(should!)])];
    const wrong = keys.filter((key) => is![key] !== should![key]);
    if (wrong.length === 0) return [];
    return [
      `${what} differ at ${wrong
        .slice(0, 3)
        .map((key) => `${key}: ${is![key]}, not ${should![key]}`)
        .join('; ')} (${wrong.length} of ${keys.length})`,
    ];
  });
}

/** Files that a run may not leave: temporary ones. */
export const leftFiles = (temporary: string, directory: string): readonly string[] => [
  ...(existsSync(temporary) ? readdirSync(temporary) : []),
  ...readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => /tmp|temp|\.part/i.test(file)),
];
