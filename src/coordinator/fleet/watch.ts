import type { Member } from './member.ts';

export const CHECK_MILLISECONDS = 1000;

export interface WatchLimits {
  /** A process that is silent for longer has failed: it has been stopped, or cut off. */
  readonly silence: number;
  /** For how long all may wait for one another. */
  readonly stall: number;
}

/** What a look at the processes found. */
export interface Watched {
  readonly silent: readonly Member[];
  /** Milliseconds for which requests have been open and nobody has got any further, where that is too long. */
  readonly stalled: number | undefined;
}

/**
 * Watches over the processes of a run. That one is gone shows in its silence: its heart beats every second, also while a kernel
 * computes. That a message was lost shows in that all wait: schedules cannot deadlock, so if nobody computes and no counter of
 * any process moves while requests are open, something that was sent never came.
 */
export class Watch {
  readonly #limits: WatchLimits;
  #last = performance.now();
  #progress = '';
  #stalled = 0;

  constructor(limits: WatchLimits) {
    this.#limits = limits;
  }

  /** To be called every `CHECK_MILLISECONDS`. While this process itself was busy or asleep it could not hear: that does not count. */
  look(members: readonly Member[], now = performance.now()): Watched {
    const passed = Math.min(now - this.#last, 2 * CHECK_MILLISECONDS);
    this.#last = now;
    const greeted = members.filter(({ greeting, lost }) => greeting && !lost);
    for (const member of greeted) member.silent += passed;
    const progress = greeted.map(({ id, pulse }) => `${id} ${pulse.progress}`).join();
    const standing =
      greeted.some(({ asked }) => asked) &&
      greeted.every(({ pulse }) => pulse.doing !== 'computing') &&
      progress === this.#progress;
    this.#progress = progress;
    this.#stalled = standing ? this.#stalled + passed : 0;
    return {
      silent: greeted.filter(({ silent }) => silent > this.#limits.silence),
      stalled: this.#stalled > this.#limits.stall ? this.#stalled : undefined,
    };
  }

  /** A new beginning: what was waited for is asked for no longer. */
  reset(): void {
    this.#stalled = 0;
  }
}
