import type { RecoverySpec } from '../../config/runFile.ts';

/** Most seconds to wait before a restart. */
const LONGEST_WAIT = 60;
/** So often may the same happen at the same place. */
const SAME_AT_MOST = 3;

/** What is known of a failure for the decision whether to try again. */
export interface FailureFacts {
  /** Who failed, in which step and action, and with what words. */
  readonly peer: string;
  readonly step: number | undefined;
  readonly during: string;
  readonly problem: string;
}

export type Decision =
  | { readonly kind: 'again'; readonly number: number; readonly seconds: number }
  | { readonly kind: 'give up'; readonly why: string };

/** What has failed so far. */
export interface Restarts {
  readonly count: number;
  /** In a row, without a snapshot between. */
  readonly row: number;
  readonly seen: Readonly<Record<string, number>>;
}

export const noRestarts: Restarts = { count: 0, row: 0, seen: {} };

/** After a failure: whether to go on, and after how many seconds. */
export function afterFailure(
  before: Restarts,
  failure: FailureFacts,
  { max_restarts: most, backoff }: Pick<RecoverySpec, 'max_restarts' | 'backoff'>,
): { readonly restarts: Restarts; readonly decision: Decision } {
  const place = JSON.stringify([failure.peer, failure.step, failure.during, failure.problem]);
  const same = (before.seen[place] ?? 0) + 1;
  const restarts = { count: before.count + 1, row: before.row + 1, seen: { ...before.seen, [place]: same } };
  return { restarts, decision: decide(restarts, same, { most, backoff }) };
}

/** After a snapshot the next failure is waited for no longer than the first. */
export const afterProgress = (before: Restarts): Restarts => (before.row === 0 ? before : { ...before, row: 0 });

function decide(
  { count, row }: Restarts,
  same: number,
  { most, backoff }: { most: number; backoff: number },
): Decision {
  if (most === 0) return { kind: 'give up', why: 'recovery.max_restarts is 0' };
  if (count > most)
    return { kind: 'give up', why: `it was restarted ${most} times before (recovery.max_restarts: ${most})` };
  if (same >= SAME_AT_MOST) return { kind: 'give up', why: `the same has happened ${same} times at the same place` };
  return { kind: 'again', number: count, seconds: row === 1 ? 0 : Math.min(LONGEST_WAIT, backoff * 2 ** (row - 2)) };
}
