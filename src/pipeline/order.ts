import { formatAction } from './action.ts';
import type { Action, Schedule } from './action.ts';
import { needsOf, resultOf } from './clock.ts';
import type { ScheduleFault } from './faults.ts';

/**
 * What stands on a worker's list before something that it has to follow on that same list, for a schedule that is complete.
 * Order between workers is no matter of one list: it is the walk under bounded queues that finds what is wrong there.
 */
export const orderFaults = (schedule: Schedule): ScheduleFault[] =>
  schedule.workers.flatMap((actions, worker) => {
    const makers = new Map<string, { action: Action; position: number }>();
    for (const [position, action] of actions.entries()) {
      const result = resultOf(action);
      if (result) makers.set(result, { action, position });
    }
    return actions.flatMap((action, position): ScheduleFault[] =>
      needsOf(action, schedule.placement.length).flatMap((need): ScheduleFault[] => {
        const maker = makers.get(need);
        if (!maker || maker.position < position) return [];
        return [{ kind: 'order', worker, position, action, after: formatAction(maker.action) }];
      }),
    );
  });

/** Forward passes of a stage that are not in the order of the micro-batches: running statistics depend on that order. */
export const forwardOrderFaults = (schedule: Schedule): ScheduleFault[] =>
  schedule.workers.flatMap((actions, worker) => {
    const forwards = actions
      .map((action, position) => ({ action, position }))
      .filter(({ action }) => action.kind === 'F');
    return forwards.flatMap(({ action, position }, index): ScheduleFault[] => {
      const late = forwards
        .slice(index + 1)
        .find((other) => other.action.stage === action.stage && other.action.microBatch < action.microBatch);
      return late ? [{ kind: 'order', worker, position, action, after: formatAction(late.action) }] : [];
    });
  });
