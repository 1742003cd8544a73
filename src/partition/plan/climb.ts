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

/** From an assignment to the first neighbour that is better, until none is or the patience ends. */
export const climb = (judge: Judge, start: StageAssignment, { cuts }: Freedom, patience: Patience): Judged => {
  let best = judged(judge, start);
  const betterNeighbour = (): Judged | undefined => {
    for (const neighbour of neighbours(best.assignment, judge.layout, judge.twins)) {
      if (!cuts && neighbour.stages !== best.assignment.stages) continue;
      if (patience.left <= 0) return undefined;
      patience.left -= 1;
      const other = judged(judge, neighbour);
      if (isBetter(other.verdict, best.verdict)) return other;
    }
    return undefined;
  };
  for (let next = betterNeighbour(); next; next = betterNeighbour()) best = next;
  return best;
};

export const judged = (judge: Judge, assignment: StageAssignment): Judged => ({
  assignment,
  verdict: judge.verdict(assignment),
});
