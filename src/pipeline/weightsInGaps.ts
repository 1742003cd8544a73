import type { Action, Schedule } from './action.ts';
import { bubbleOf } from './bubble.ts';
import { needsOf, resultOf } from './clock.ts';
import { durationOf } from './durations.ts';
import type { Durations } from './durations.ts';

/** Micro-batches that may be alive. */
export interface ActivationLimits {
  readonly stage: (stage: number) => number;
  readonly worker: (worker: number) => number;
}

/**
 * The schedule, or the same with its weight gradients moved to where workers wait, whichever is faster. (Qi et al. 2024 place
 * W so too, in their automatic schedules.)
 *
 * All other actions keep their order on every worker. The lists are walked in time: a worker whose next action is not ready,
 * or would keep too much alive, takes the oldest weight gradient that it has put off, and waits only where there is none.
 * That always ends, if the schedule keeps the limits itself: when all that is put off is done, there is as much room before
 * an action as in the schedule, or more.
 */
export const withWeightsInGaps = (schedule: Schedule, durations: Durations, limits: ActivationLimits): Schedule => {
  const moved = { ...schedule, workers: walkInTime(schedule, durations, limits) };
  return bubbleOf(moved, durations).duration < bubbleOf(schedule, durations).duration ? moved : schedule;
};

const walkInTime = (schedule: Schedule, durations: Durations, limits: ActivationLimits): Action[][] => {
  const done = new Map<string, number>();
  const walkers = schedule.workers.map(
    (actions, worker) => new Walker(worker, actions, schedule.placement.length, limits),
  );
  const begin = (walker: Walker, now: number): boolean => {
    const action = walker.choose(now, done);
    if (!action) return false;
    walker.busyUntil = now + durationOf(durations, action);
    const result = resultOf(action);
    if (result) done.set(result, walker.busyUntil);
    return true;
  };
  for (let now = 0; Number.isFinite(now);) {
    // Again, as what takes no time may let others begin at once.
    while (walkers.map((walker) => begin(walker, now)).some(Boolean));
    now = Math.min(...walkers.map(({ busyUntil }) => (busyUntil > now ? busyUntil : Infinity)));
  }
  return walkers.map(({ list }) => list);
};

class Walker {
  readonly list: Action[] = [];
  busyUntil = 0;
  readonly #worker: number;
  readonly #stages: number;
  readonly #limits: ActivationLimits;
  readonly #ahead: Action[];
  readonly #putOff: Action[] = [];
  readonly #live = new Map<number, number>();

  constructor(worker: number, actions: readonly Action[], stages: number, limits: ActivationLimits) {
    this.#worker = worker;
    this.#stages = stages;
    this.#limits = limits;
    this.#ahead = actions.filter(({ kind }) => kind !== 'W').toReversed();
  }

  /** What it begins now, or nothing. */
  choose(now: number, done: ReadonlyMap<string, number>): Action | undefined {
    if (this.busyUntil > now) return undefined;
    const next = this.#ahead.at(-1);
    const ready = next && needsOf(next, this.#stages).every((need) => (done.get(need) ?? Infinity) <= now);
    const action = ready && this.#hasRoom(next) ? this.#ahead.pop() : this.#putOff.shift();
    if (!action) return undefined;
    if (action.kind === 'I') this.#putOff.push({ ...action, kind: 'W' });
    const change = { F: 1, B: -1, I: 0, W: -1 }[action.kind];
    this.#live.set(action.stage, (this.#live.get(action.stage) ?? 0) + change);
    this.list.push(action);
    return action;
  }

  #hasRoom({ kind, stage }: Action): boolean {
    if (kind !== 'F') return true;
    const all = [...this.#live.values()].reduce((sum, live) => sum + live, 0);
    return (this.#live.get(stage) ?? 0) < this.#limits.stage(stage) && all < this.#limits.worker(this.#worker);
  }
}
