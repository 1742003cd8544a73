import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LastStep } from '../../src/coordinator/lastStep.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** How long after the request the processes are ended, in seconds; nothing where they are not. */
function delayOf(lastStep: LastStep, asked: AbortController): number | undefined {
  asked.abort(new Error('enough'));
  for (let seconds = 0; seconds < 100; seconds++) {
    if (lastStep.signal.aborted) return seconds;
    vi.advanceTimersByTime(1000);
  }
  return undefined;
}

const asked = (): { controller: AbortController; lastStep: LastStep } => {
  const controller = new AbortController();
  return { controller, lastStep: new LastStep(controller.signal) };
};

it('a run that is stopped while it is launched ends at once, for the reason that was given', () => {
  const { controller, lastStep } = asked();
  expect(delayOf(lastStep, controller)).toBe(0);
  expect(lastStep.signal.reason).toMatchObject({ message: 'enough' });
});

it('a step in progress is given time', () => {
  const { controller, lastStep } = asked();
  lastStep.enter('training');
  expect(delayOf(lastStep, controller)).toBe(5);
});

it('saving is not cut short, whether it began before the run was stopped or after', () => {
  const before = asked();
  before.lastStep.enter('training');
  before.lastStep.enter('saving');
  expect(delayOf(before.lastStep, before.controller)).toBeUndefined();
  const after = asked();
  after.lastStep.enter('training');
  after.controller.abort();
  vi.advanceTimersByTime(4000);
  after.lastStep.enter('saving');
  vi.advanceTimersByTime(100_000);
  expect(after.lastStep.signal.aborted).toBe(false);
});

it('what was stopped before it began does not begin, and what is over listens no longer', () => {
  expect(new LastStep(AbortSignal.abort(new Error('enough'))).signal.aborted).toBe(true);
  const { controller, lastStep } = asked();
  lastStep.dispose();
  expect(delayOf(lastStep, controller)).toBeUndefined();
});

it('what was stopped while a phase was being saved ends before the next one is launched', () => {
  const { controller, lastStep } = asked();
  lastStep.enter('training');
  lastStep.enter('saving');
  expect(delayOf(lastStep, controller)).toBeUndefined();
  lastStep.enter('launching');
  expect(lastStep.signal.reason).toMatchObject({ message: 'enough' });
});
