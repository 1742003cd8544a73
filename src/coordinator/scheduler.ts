import type { Schedule } from '../pipeline/action.ts';
import { leastQueueCapacity } from '../pipeline/boundedRun.ts';
import type { Durations } from '../pipeline/durations.ts';
import type { Routes } from '../pipeline/routes.ts';
import { formatSchedule } from '../pipeline/scheduleText.ts';
import { schedules, type ScheduleFamily } from '../pipeline/schedules.ts';
import { validateSchedule } from '../pipeline/validate.ts';

/** Messages that each end of a link keeps at least, so that a sender need not wait for its receiver to look up. */
const LEAST_HIGH_WATER_MARK = 2;

/** Makes the schedules of a run, each validated once before a worker sees it. */
export class Scheduler {
  readonly routes: Routes;
  readonly highWaterMark: number;
  readonly #training: ScheduleFamily;
  readonly #placement: readonly number[];
  readonly #durations: { readonly durations?: Durations };
  readonly #made = new Map<string, { schedule: Schedule; text: string }>();

  /**
   * @param options.microBatches the most that a step will have
   * @param options.durations what each stage takes, for schedules that make use of it
   */
  constructor(options: {
    training: ScheduleFamily;
    placement: readonly number[];
    routes: Routes;
    microBatches: number;
    durations?: Durations | undefined;
  }) {
    this.routes = options.routes;
    this.#training = options.training;
    this.#placement = options.placement;
    this.#durations = options.durations ? { durations: options.durations } : {};
    const request = {
      stages: options.placement.length,
      microBatches: options.microBatches,
      placement: options.placement,
      ...this.#durations,
    };
    const least = leastQueueCapacity(this.#training.generate(request), options.routes) ?? 1;
    this.highWaterMark = Math.max(LEAST_HIGH_WATER_MARK, least);
  }

  /** The schedule of a step, and its text for the workers. */
  schedule(purpose: 'train' | 'evaluate', microBatches: number): { schedule: Schedule; text: string } {
    const family = purpose === 'train' ? this.#training : schedules.forward;
    const key = `${purpose} ${microBatches}`;
    const known = this.#made.get(key);
    if (known) return known;
    const schedule = family.generate({
      stages: this.#placement.length,
      microBatches,
      placement: this.#placement,
      ...this.#durations,
    });
    validateSchedule(schedule, { passes: family.passes, routes: this.routes, queueCapacity: this.highWaterMark });
    const made = { schedule, text: formatSchedule(schedule) };
    this.#made.set(key, made);
    return made;
  }
}
