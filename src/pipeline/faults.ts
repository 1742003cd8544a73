import { formatAction } from './action.ts';
import type { Action, Schedule } from './action.ts';
import type { StuckWorker } from './boundedRun.ts';
import type { Message } from './messages.ts';
import { formatTable } from './table.ts';

interface Place {
  readonly worker: number;
  readonly position: number;
  readonly action: Action;
}

/** One thing that is wrong with a schedule, and where. The rules stand in validate.ts. */
export type ScheduleFault =
  | { readonly kind: 'layout'; readonly reason: string }
  | ({ readonly kind: 'unknown'; readonly reason: string } & Place)
  | ({ readonly kind: 'misplaced'; readonly owner: number } & Place)
  | ({ readonly kind: 'duplicate' } & Place)
  | ({ readonly kind: 'mixed' } & Place)
  | { readonly kind: 'missing'; readonly worker: number; readonly action: Action }
  | ({ readonly kind: 'order'; readonly after: string } & Place)
  | { readonly kind: 'deadlock'; readonly stuck: readonly StuckWorker[]; readonly queueCapacity: number }
  | ({ readonly kind: 'memory'; readonly live: number; readonly limit: number } & Place);

const shown = 20;

/** A schedule that must not be run: every fault, and the table with their places marked. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
  readonly schedule: string;
  readonly faults: readonly ScheduleFault[];
  readonly table: string;

  constructor(schedule: Schedule, faults: readonly ScheduleFault[]) {
    const table = formatTable(schedule, {
      places: faults.flatMap(placesOf),
      missing: faults.filter((fault) => fault.kind === 'missing'),
    });
    super(
      [
        `schedule ${schedule.name} cannot run (${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}):`,
        ...faults.slice(0, shown).map((fault) => `  ${describeFault(fault)}`),
        ...(faults.length > shown ? [`  … and ${faults.length - shown} more`] : []),
        table,
      ].join('\n'),
    );
    this.schedule = schedule.name;
    this.faults = faults;
    this.table = table;
  }
}

const placesOf = (fault: ScheduleFault): readonly { worker: number; position: number }[] => {
  if (fault.kind === 'deadlock') return fault.stuck;
  return 'position' in fault ? [fault] : [];
};

/** One line for a reader. */
export const describeFault = (fault: ScheduleFault): string => {
  switch (fault.kind) {
    case 'layout':
      return fault.reason;
    case 'unknown':
      return `${at(fault)} ${fault.reason}`;
    case 'misplaced':
      return `${at(fault)} belongs on worker ${fault.owner}, where its stage is placed`;
    case 'duplicate':
      return `${at(fault)} is there a second time`;
    case 'mixed':
      return `${at(fault)} is half of a backward pass that ${formatAction({ ...fault.action, kind: 'B' })} does whole`;
    case 'missing':
      return `${formatAction(fault.action)} is missing on worker ${fault.worker}`;
    case 'order':
      return `${at(fault)} comes before ${fault.after}, and has to come after it`;
    case 'deadlock':
      return [
        `nothing moves any more with queues of ${fault.queueCapacity} messages a link:`,
        ...fault.stuck.map((worker) => `    ${describeStuck(worker)}`),
      ].join('\n');
    case 'memory':
      return `${at(fault)} is number ${fault.live} of the micro-batches kept alive there; allowed are ${fault.limit}`;
  }
};

const at = ({ worker, position, action }: Place): string =>
  `${formatAction(action)} (worker ${worker}, place ${position})`;

const describeStuck = ({ reason, messages, ...place }: StuckWorker): string =>
  reason === 'receiving'
    ? `${at(place)} waits for ${messages.map(describeMessage).join(' and ')}`
    : `${at(place)} cannot send ${messages.map(describeMessage).join(' and ')}: the queue is full`;

const describeMessage = ({ kind, skip, microBatch, fromStage, toStage }: Message): string => {
  const what = { activation: 'activation', gradient: 'gradient', skip: 'skip', skipGradient: 'gradient of skip' }[kind];
  return `${what}${skip === undefined ? '' : ` ${skip}`} of micro-batch ${microBatch} (stage ${fromStage} to ${toStage})`;
};
