import type { Schedule } from './action.ts';
import { clockTimes } from './clock.ts';
import type { Durations } from './durations.ts';

/** What the order of a schedule costs, on workers and links that cost nothing else. In the unit of the durations. */
export interface Bubble {
  /** From the first action of the step to the end of its last. */
  readonly duration: number;
  /** The time in which each worker does nothing: duration less its work. */
  readonly idle: readonly number[];
  /**
   * The part of `idle` between each worker's own first and last action. Papers on zero-bubble schedules count this part, as
   * the next step can begin on one worker while another still ends this one, where updates need not wait for all gradients.
   */
  readonly between: readonly number[];
}

/** The bubble of a schedule that can run. */
export const bubbleOf = (schedule: Schedule, durations: Durations): Bubble => {
  const rows = clockTimes(schedule, durations).map((row) => row.filter((span) => span !== undefined));
  const duration = Math.max(0, ...rows.map((row) => row.at(-1)?.end ?? 0));
  const work = rows.map((row) => row.reduce((sum, { begin, end }) => sum + end - begin, 0));
  return {
    duration,
    idle: work.map((busy) => duration - busy),
    between: rows.map((row, worker) => (row.at(-1)?.end ?? 0) - (row[0]?.begin ?? 0) - (work[worker] ?? 0)),
  };
};
