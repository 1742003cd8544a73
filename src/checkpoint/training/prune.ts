import { discardCheckpoint } from './commit.ts';
import { listCheckpoints, type FoundCheckpoint } from './inventory.ts';

export interface PruneRules {
  /** How many of the newest whole ones stay; at least one always does. */
  readonly keep: number;
  /** Steps whose checkpoints stay as well, such as the best. */
  readonly keepAlso?: readonly number[];
  /** Steps that are being written just now. */
  readonly writing?: readonly number[];
}

/**
 * Which of the checkpoints can go. A damaged one does not count among those that are kept, and goes when it is older than all
 * of these: perhaps it can be read another day. One that was never finished goes as soon as there is a newer whole one. Where
 * none is whole, all stay.
 */
export function checkpointsToRemove(
  found: readonly FoundCheckpoint[],
  { keep, keepAlso = [], writing = [] }: PruneRules,
): readonly FoundCheckpoint[] {
  const newest = found
    .flatMap(({ status, step }) => (status === 'whole' ? [step] : []))
    .toSorted((a, b) => b - a)
    .slice(0, Math.max(1, keep));
  const [first, last] = [newest[0] ?? -1, newest.at(-1) ?? -1];
  const spared = new Set([...keepAlso, ...writing]);
  return found.filter(({ status, step }) => {
    if (step === undefined || spared.has(step)) return false;
    return step < (status === 'unfinished' ? first : last);
  });
}

/** Removes what can go from a run's folder; returns what went. */
export async function pruneCheckpoints(runDirectory: string, rules: PruneRules): Promise<readonly FoundCheckpoint[]> {
  const gone = checkpointsToRemove(await listCheckpoints(runDirectory), rules);
  for (const { path } of gone) await discardCheckpoint(path);
  return gone;
}
