import type { Member } from './member.ts';

export const CHECK_MILLISECONDS = 1000;

export interface WatchLimits {
  /** A process that is silent for longer has failed: it has been stopped, or cut off. */
  readonly silence: number;
  /** For how long all may wait for one another. */
  readonly stall: number;
  /** For how long one may compute and get no further. */
  readonly hang: number;
}

/** What a look at the processes found. */
export interface Watched {
  readonly silent: readonly Member[];
  /** Those that compute and have got no further for too long, and for how many milliseconds. */
  readonly hung: readonly { readonly member: Member; readonly milliseconds: number }[];
  /** Milliseconds for which requests have been open and nobody has got any further, where that is too long. */
  readonly stalled: number | undefined;
}

/** Where a process was at the last look, and for how long it has computed there. */
interface Place {
  readonly progress: number;
  readonly milliseconds: number;
}

/**
 * Watches over the processes of a run. That one is gone shows in its silence: its heart beats every second, also while a kernel
 * computes. That one hangs shows in its counter, which stands still though it computes. That a message was lost shows in that all
 * wait: schedules cannot deadlock, so if nobody computes and no counter of any process moves while requests are open, something
 * that was sent never came.
 */
export class Watch {
  readonly #limits: WatchLimits;
  readonly #places = new WeakMap<Member, Place>();
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
    const places = greeted.map((member) => ({ member, milliseconds: this.#computing(member, passed) }));
    return {
      silent: greeted.filter(({ silent }) => silent > this.#limits.silence),
      hung: places.filter(({ milliseconds }) => milliseconds > this.#limits.hang),
      stalled: this.#stalled > this.#limits.stall ? this.#stalled : undefined,
    };
  }

  /** For how long somebody has computed without getting any further. */
  #computing(member: Member, passed: number): number {
    const { doing, progress } = member.pulse;
    const before = this.#places.get(member);
    const milliseconds = doing === 'computing' && before?.progress === progress ? before.milliseconds + passed : 0;
    this.#places.set(member, { progress, milliseconds });
    return milliseconds;
  }

  /** A new beginning: what was waited for is asked for no longer. */
  reset(): void {
    this.#stalled = 0;
  }
}
