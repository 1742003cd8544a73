import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterFailure,
  afterProgress,
  noRestarts,
  type Decision,
  type FailureFacts,
} from '../../../src/coordinator/keeping/restarts.ts';

const rules = { max_restarts: 10, backoff: 1 };
const failure = (step: number): FailureFacts => ({
  ...{ peer: 'worker 1', step, during: '1F0', problem: 'its process was killed' },
});

/** What is decided of failures one after the other, with no progress between. */
function decisions(failures: readonly FailureFacts[], { max_restarts, backoff } = rules): Decision[] {
  let restarts = noRestarts;
  return failures.map((each) => {
    const after = afterFailure(restarts, each, { max_restarts, backoff });
    restarts = after.restarts;
    return after.decision;
  });
}

describe('after a failure', () => {
  it('a run goes on at once, then after ever longer waits, but none of more than a minute', () => {
    const seconds = decisions(Array.from({ length: 10 }, (_, step) => failure(step))).map(
      (decision) => decision.kind === 'again' && decision.seconds,
    );
    expect(seconds).toEqual([0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('what has gone on well since is not waited for again', () => {
    let { restarts } = afterFailure(noRestarts, failure(1), rules);
    ({ restarts } = afterFailure(restarts, failure(2), rules));
    const { decision } = afterFailure(afterProgress(restarts), failure(3), rules);
    expect(decision).toEqual({ kind: 'again', number: 3, seconds: 0 });
  });

  it('the same at the same place a third time ends the run', () => {
    const kinds = decisions([failure(4), failure(9), failure(4), failure(4)]).map(({ kind }) => kind);
    expect(kinds).toEqual(['again', 'again', 'again', 'give up']);
  });

  it('a run is restarted as often as it may be, and no more, whatever fails', () => {
    const facts = fc.record({
      peer: fc.constantFrom('worker 0', 'loader'),
      step: fc.option(fc.nat(), { nil: undefined }),
      during: fc.string(),
      problem: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 30 }), fc.nat(12), (failures, most) => {
        const made = decisions(failures, { max_restarts: most, backoff: 0.5 });
        expect(made.filter(({ kind }) => kind === 'again').length).toBeLessThanOrEqual(most);
        // Once it is given up for the number of restarts, nothing brings it back.
        for (const [index, decision] of made.entries()) if (index >= most) expect(decision.kind).toBe('give up');
      }),
    );
  });
});
