/**
 * The schedules that a run file can name, and how many stages each puts on a worker. What they are stands in
 * pipeline/schedules.ts, which has one generator for every name here.
 */
export const stagesOnWorker = {
  gpipe: 'any',
  '1f1b': 1,
  interleaved_1f1b: 'any',
  v_1f1b: 2,
  zb_h1: 1,
  zb_v: 2,
} as const satisfies Record<string, number | 'any'>;

export type TrainingScheduleName = keyof typeof stagesOnWorker;

export const trainingScheduleNames = Object.keys(stagesOnWorker) as [TrainingScheduleName, ...TrainingScheduleName[]];

/** How stages are laid on workers: one each, several round and round, or two there and back. */
export const placementNames = ['consecutive', 'interleaved', 'folded'] as const;
export type PlacementName = (typeof placementNames)[number];

/** A schedule that the user wrote: a path that ends so. */
export type SchedulePath = `${string}.schedule`;

export const isSchedulePath = (schedule: string): schedule is SchedulePath => schedule.endsWith('.schedule');

/** What the section `pipeline` of a run file says of it. */
interface ScheduleChoice {
  readonly schedule: TrainingScheduleName | SchedulePath | 'auto';
  readonly stages_per_worker?: number | undefined;
}

/**
 * How many stages every worker gets: as the run file says, else what the schedule is known for. Undefined for a user's own
 * schedule, whose file says it, and for one that is yet to be chosen.
 */
export const stagesPerWorkerOf = ({ schedule, stages_per_worker: asked }: ScheduleChoice): number | undefined => {
  if (isSchedulePath(schedule)) return undefined;
  if (asked !== undefined) return asked;
  if (schedule === 'auto') return undefined;
  if (schedule === 'interleaved_1f1b') return 2;
  const stages = stagesOnWorker[schedule];
  return stages === 'any' ? 1 : stages;
};
