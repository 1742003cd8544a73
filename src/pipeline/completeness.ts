import { formatAction } from './action.ts';
import type { Action, ActionKind, Schedule } from './action.ts';
import type { ScheduleFault } from './faults.ts';
import type { Passes } from './schedules.ts';

/** Faults of the frame: the number of micro-batches, the placement, the lists. Nothing else can be checked where there are any. */
export const layoutFaults = ({ microBatches, placement, workers }: Schedule): ScheduleFault[] => {
  const reasons: string[] = [];
  if (!Number.isInteger(microBatches) || microBatches < 1)
    reasons.push(`${microBatches} micro-batches; allowed are whole numbers from 1`);
  if (placement.length === 0) reasons.push('no stages: the placement is empty');
  for (const [stage, worker] of placement.entries())
    if (workers[worker] === undefined)
      reasons.push(
        `stage ${stage} is placed on worker ${worker}, which has no list; there are ${workers.length} lists`,
      );
  for (const worker of workers.keys())
    if (!placement.includes(worker)) reasons.push(`worker ${worker} has a list but no stage`);
  return reasons.map((reason) => ({ kind: 'layout', reason }));
};

interface Found {
  readonly action: Action;
  readonly worker: number;
  readonly position: number;
}

/** What is unknown, misplaced, there twice, or missing. */
export const completenessFaults = (schedule: Schedule, passes: Passes): ScheduleFault[] => {
  const places = schedule.workers.flatMap((actions, worker) =>
    actions.map((action, position): Found => ({ action, worker, position })),
  );
  const strangers = places.flatMap((place): ScheduleFault[] => {
    const reason = strangeness(place.action, schedule, passes);
    return reason ? [{ kind: 'unknown', reason, ...place }] : [];
  });
  const known = places.filter(({ action }) => !strangeness(action, schedule, passes));
  const byName = new Map<string, Found[]>();
  for (const place of known)
    byName.set(formatAction(place.action), [...(byName.get(formatAction(place.action)) ?? []), place]);
  const misplaced = known.flatMap((place): ScheduleFault[] => {
    const owner = schedule.placement[place.action.stage] ?? -1;
    return owner === place.worker ? [] : [{ kind: 'misplaced', owner, ...place }];
  });
  const pairs = schedule.placement.flatMap((worker, stage) =>
    Array.from({ length: schedule.microBatches }, (_, microBatch) => ({ stage, microBatch, worker })),
  );
  return [...strangers, ...misplaced, ...pairs.flatMap((pair) => pairFaults(pair, byName, passes))];
};

const strangeness = ({ stage, kind, microBatch }: Action, schedule: Schedule, passes: Passes): string | undefined => {
  const stages = schedule.placement.length;
  if (!Number.isInteger(stage) || stage < 0 || stage >= stages) return `has no such stage; they are 0 to ${stages - 1}`;
  if (!Number.isInteger(microBatch) || microBatch < 0 || microBatch >= schedule.microBatches)
    return `has no such micro-batch; they are 0 to ${schedule.microBatches - 1}`;
  if (passes === 'forward' && kind !== 'F') return 'is a backward pass, in a schedule of forward passes alone';
  return undefined;
};

/** For one stage and micro-batch: one F, and either one B, or one I and one W. */
const pairFaults = (
  { stage, microBatch, worker }: { stage: number; microBatch: number; worker: number },
  byName: Map<string, Found[]>,
  passes: Passes,
): ScheduleFault[] => {
  const found = (kind: ActionKind): Found[] => byName.get(formatAction({ stage, kind, microBatch })) ?? [];
  const missing = (kind: ActionKind): ScheduleFault => ({
    kind: 'missing',
    worker,
    action: { stage, kind, microBatch },
  });
  const halves = [...found('I'), ...found('W')];
  const whole = found('B').length > 0;
  const faults = (['F', 'B', 'I', 'W'] as const).flatMap((kind): ScheduleFault[] =>
    found(kind)
      .slice(1)
      .map((place) => ({ kind: 'duplicate', ...place })),
  );
  if (found('F').length === 0) faults.push(missing('F'));
  if (passes === 'forward') return faults;
  if (whole) faults.push(...halves.map((place): ScheduleFault => ({ kind: 'mixed', ...place })));
  else if (halves.length === 0) faults.push(missing('B'));
  else for (const kind of ['I', 'W'] as const) if (found(kind).length === 0) faults.push(missing(kind));
  return faults;
};
