import { neighbours } from '../search/neighbours.ts';
import type { StageAssignment } from '../search/objective.ts';
import { isBetter } from './judge.ts';
import type { Judge, Verdict } from './judge.ts';

export interface Judged {
  readonly assignment: StageAssignment;
  readonly verdict: Verdict;
}

/** Verdicts that may still be asked for. */
export interface Patience {
  left: number;
}

export interface Freedom {
  /** False where the partition is given: then only workers are exchanged. */
  readonly cuts: boolean;
}

/** From an assignment to its best neighbour, until no neighbour is better or the patience ends. */
export const climb = (judge: Judge, start: StageAssignment, freedom: Freedom, patience: Patience): Judged => {
  let best = judged(judge, start);
  for (let next: Judged | undefined = best; next; next = bestNeighbour(judge, best, freedom, patience)) best = next;
  return best;
};

export const judged = (judge: Judge, assignment: StageAssignment): Judged => ({
  assignment,
  verdict: judge.verdict(assignment),
});

const bestNeighbour = (
  judge: Judge,
  { assignment, verdict }: Judged,
  { cuts }: Freedom,
  patience: Patience,
): Judged | undefined => {
  let best: Judged | undefined;
  for (const neighbour of neighbours(assignment, judge.layout, judge.setting.machine.workers.length)) {
    if (!cuts && neighbour.stages !== assignment.stages) continue;
    if (patience.left <= 0) return best;
    patience.left -= 1;
    const other = judge.verdict(neighbour);
    if (isBetter(other, best?.verdict ?? verdict)) best = { assignment: neighbour, verdict: other };
  }
  return best;
};
