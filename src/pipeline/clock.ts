import type { Action, Schedule } from './action.ts';
import { durationOf } from './durations.ts';
import type { Durations } from './durations.ts';

/**
 * What must be done before an action, whichever worker does it:
 *
 *     forward   F(s, m) after F(s − 1, m)
 *     backward  B(s, m) after F(s, m) and the input gradient of s + 1: B(s + 1, m), or I(s + 1, m) where it is split
 *               I(s, m) likewise;  W(s, m) after I(s, m)
 *
 * Results are named, not actions, for B and I both make the input gradient: `F` activation, `G` input gradient.
 */
export const needsOf = (action: Action, stages: number): readonly string[] => {
  const { stage, kind, microBatch } = action;
  if (kind === 'F') return stage === 0 ? [] : [`${stage - 1}F${microBatch}`];
  if (kind === 'W') return [`${stage}G${microBatch}`];
  const own = `${stage}F${microBatch}`;
  return stage === stages - 1 ? [own] : [own, `${stage + 1}G${microBatch}`];
};

/** The name of what an action makes for others, or nothing for a weight gradient. */
export const resultOf = ({ stage, kind, microBatch }: Action): string | undefined =>
  kind === 'W' ? undefined : `${stage}${kind === 'F' ? 'F' : 'G'}${microBatch}`;

/** From when to when an action runs. */
export interface ActionSpan {
  readonly begin: number;
  readonly end: number;
}

/**
 * When every action runs if each begins as soon as its worker is free and what it needs is done, and links cost nothing. An
 * action that can never run, as what it needs is never done before it, has no span.
 */
export const clockTimes = (
  { workers, placement }: Schedule,
  durations: Durations,
): readonly (readonly (ActionSpan | undefined)[])[] => {
  const spans = workers.map((): ActionSpan[] => []);
  const done = new Map<string, number>();
  const runNext = (worker: number): boolean => {
    const row = spans[worker] as ActionSpan[];
    const action = workers[worker]?.[row.length];
    const ready = action && needsOf(action, placement.length).map((need) => done.get(need));
    if (!action || !ready?.every((time) => time !== undefined)) return false;
    const begin = Math.max(row.at(-1)?.end ?? 0, ...ready);
    const end = begin + durationOf(durations, action);
    row.push({ begin, end });
    const result = resultOf(action);
    if (result && !done.has(result)) done.set(result, end);
    return true;
  };
  for (let moved = true; moved;) {
    moved = false;
    for (const worker of workers.keys()) while (runNext(worker)) moved = true;
  }
  return workers.map((actions, worker) => actions.map((_, position) => spans[worker]?.[position]));
};
