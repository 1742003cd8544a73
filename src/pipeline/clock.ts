import type { Action, Schedule } from './action.ts';

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

/**
 * When every action runs if each takes one tick and links cost nothing: the picture of the GPipe paper. An action that can
 * never run, as what it needs is never done before it, has no tick.
 */
export const clockTicks = (schedule: Schedule): readonly (readonly (number | undefined)[])[] => {
  const { workers, placement } = schedule;
  const ticks = workers.map((): number[] => []);
  const done = new Set<string>();
  for (let tick = 0; ; tick += 1) {
    const ready = workers.map((actions, worker) => {
      const next = actions[ticks[worker]?.length ?? 0];
      return next && needsOf(next, placement.length).every((need) => done.has(need)) ? next : undefined;
    });
    if (!ready.some(Boolean)) break;
    for (const [worker, action] of ready.entries()) {
      if (!action) continue;
      ticks[worker]?.push(tick);
      const result = resultOf(action);
      if (result) done.add(result);
    }
  }
  return workers.map((actions, worker) => actions.map((_, position) => ticks[worker]?.[position]));
};
