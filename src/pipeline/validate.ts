import type { Schedule } from './action.ts';
import { liveDuring, peakActivations } from './activations.ts';
import type { PeakActivations } from './activations.ts';
import { runBounded } from './boundedRun.ts';
import type { BoundedRun } from './boundedRun.ts';
import { completenessFaults, layoutFaults } from './completeness.ts';
import { ScheduleError } from './faults.ts';
import type { ScheduleFault } from './faults.ts';
import { chainOf } from './messages.ts';
import { forwardOrderFaults, orderFaults } from './order.ts';
import type { Routes } from './routes.ts';
import type { Passes } from './schedules.ts';

/*
 * The rules. A schedule that keeps them all ends, and computes what one device would have computed.
 *
 * 1. Layout: there is at least one micro-batch and one stage; every stage is placed on a worker that has a list; every
 *    worker that has a list has a stage.
 * 2. Complete: for every stage and micro-batch there is exactly one forward pass and exactly one backward pass, either whole
 *    (B) or in its two halves (one I and one W); all of them on the worker of the stage; and there is nothing else. In a
 *    schedule of forward passes alone there is no backward pass.
 * 3. Ordered: on the list of a worker nothing stands before what it needs on the same list. F needs F of the stage before;
 *    B and I need their own F and the input gradient (B or I) of the next stage; W needs its I. And the forward passes of
 *    a stage come in the order of the micro-batches, as running statistics of batch normalization depend on it.
 * 4. It ends: the lists, walked side by side under bounded queues as boundedRun.ts defines it, all come to their end. An
 *    order that is wrong between workers shows here, as does one that needs more room than the queues have.
 * 5. Memory: no worker keeps more micro-batches alive than it may.
 *
 * Every fault is collected, then all are thrown at once. Where rule 1 is broken the others mean nothing, and where 2 or 3
 * is, 4 and 5 would only report what follows from it: then they are left out.
 */

export interface ValidationOptions {
  /** Whether there have to be backward passes. */
  readonly passes?: Passes;
  /** Where skips go; none where left out. */
  readonly routes?: Routes;
  /** Messages that a link holds before its sender has to wait. */
  readonly queueCapacity?: number;
  /** Messages that a worker can set aside from one link. */
  readonly setAside?: number;
  /** Micro-batches that a worker may keep alive, over all of its stages together. */
  readonly activationLimit?: (worker: number) => number;
}

/** What was found out about a schedule that keeps the rules. */
export interface ScheduleReport {
  readonly peakActivations: PeakActivations;
  /** The most messages that a worker had to set aside from one link. */
  readonly peakSetAside: number;
}

/** Proves that a schedule can be run; throws a ScheduleError with every fault, and the table with their places marked. */
export const validateSchedule = (schedule: Schedule, options: ValidationOptions = {}): ScheduleReport => {
  const layout = layoutFaults(schedule);
  if (layout.length > 0) throw new ScheduleError(schedule, layout);
  const ofLists = [
    ...completenessFaults(schedule, options.passes ?? 'training'),
    ...orderFaults(schedule),
    ...forwardOrderFaults(schedule),
  ];
  if (ofLists.length > 0) throw new ScheduleError(schedule, ofLists);
  const { faults: deadlocks, peakSetAside } = walkOf(schedule, options);
  const faults = [...deadlocks, ...memoryFaults(schedule, options)];
  if (faults.length > 0) throw new ScheduleError(schedule, faults);
  return { peakActivations: peakActivations(schedule), peakSetAside: peakSetAside };
};

const walkOf = (schedule: Schedule, options: ValidationOptions): { faults: ScheduleFault[]; peakSetAside: number } => {
  const { queueCapacity = 1, setAside = Infinity } = options;
  const routes = options.routes ?? chainOf(schedule.placement.length);
  const { stuck, peakSetAside }: BoundedRun = runBounded(schedule, routes, { queueCapacity, setAside });
  return { faults: stuck.length > 0 ? [{ kind: 'deadlock', stuck, queueCapacity }] : [], peakSetAside };
};

/** The first pass on each worker that keeps more alive than it may. */
const memoryFaults = (schedule: Schedule, { activationLimit }: ValidationOptions): ScheduleFault[] => {
  if (!activationLimit) return [];
  return schedule.workers.flatMap((actions, worker): ScheduleFault[] => {
    const limit = activationLimit(worker);
    const live = liveDuring(actions);
    const position = live.findIndex((count) => count > limit);
    const action = actions[position];
    return action ? [{ kind: 'memory', worker, position, action, live: live[position] ?? 0, limit }] : [];
  });
};
