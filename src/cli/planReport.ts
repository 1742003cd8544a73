import { mean } from '../partition/spread.ts';
import { formatGantt } from '../telemetry/gantt.ts';
import { formatTable, type Column } from '../telemetry/table.ts';
import { formatBytes, formatCount, formatShare } from '../telemetry/units.ts';
import type { RunPlan } from './services.ts';

type Plan = Extract<RunPlan, { kind: 'plan' }>;
type Alternative = Plan['schedules'][number];

/** A plan for people: the settings and the step, stages, workers, schedules side by side, and a picture of the step. */
export function describePlan(plan: Plan, { columns, file }: { columns: number; file: string }): string {
  const alone = plan.schedules.length > 0 ? [describeSchedules(plan.schedules, plan.schedule)] : [];
  return [
    describeSource(plan.source, file),
    describeStep(plan),
    stageTable(plan),
    workerTable(plan),
    ...alone,
    formatGantt(plan.timeline, { columns }),
  ].join('\n\n');
}

export function describeSource(source: Plan['source'], file: string): string {
  switch (source.kind) {
    case 'machine file':
      return `On ${source.machine}, by its description: nothing was measured.`;
    case 'measured':
      return `On ${[...new Set(source.devices)].join(', ')}, as measured.`;
    case 'estimated':
      return source.from === undefined
        ? `Times are an estimate on no particular device, good for proportions alone: lamp profile ${file} measures them, or give a machine with --simulate.`
        : `Times are an estimate, by what this device reached with ${source.from}: lamp profile ${file} measures them.`;
  }
}

function describeStep({ schedule, microBatches, batchSize, recompute, threaded, step, workers }: Plan): string {
  const bubble = mean(workers.map((worker) => worker.bubble));
  const rate = (1000 * batchSize) / step;
  return (
    `Schedule ${schedule}, ${formatCount(microBatches, 'micro-batch', 'micro-batches')}, recomputation ${recompute}: a step ` +
    `takes ${time(step)} ms, ${rate.toPrecision(3)} samples/s; bubble ${formatShare(bubble)}.` +
    (threaded.length > 0 ? ` Skips that go through every stage between: ${threaded.join(', ')}.` : '')
  );
}

const right = (title: string): Column => ({ title, align: 'right' });

function stageTable({ stages, recompute }: Plan): string {
  const columns = [
    ...[right('stage'), right('worker'), right('cells'), { title: 'from' }, { title: 'to' }],
    ...['parameters', 'forward', 'backward', 'fixed', 'a micro-batch', 'sends a step'].map(right),
  ];
  return formatTable(
    columns,
    stages.map((stage) => [
      ...[String(stage.stage), String(stage.worker), String(stage.cells), stage.from, stage.to],
      ...[stage.parameters.toLocaleString('en-US'), `${time(stage.forward)} ms`, `${time(stage.backward)} ms`],
      ...[formatBytes(stage.fixed), formatBytes(recompute === 'never' ? stage.activations : stage.inputs)],
      formatBytes(stage.sends),
    ]),
  );
}

function workerTable({ workers }: Plan): string {
  return formatTable(
    [right('worker'), { title: 'stages' }, ...['works', 'bubble', 'peak memory', 'of'].map(right)],
    workers.map(({ worker, stages, busy, bubble, peak, limit }) => [
      ...[String(worker), stages.join(', '), `${time(busy)} ms`, formatShare(bubble)],
      ...[formatBytes(peak), formatBytes(limit)],
    ]),
  );
}

/** Every schedule with its own best partition; `chosen` is marked. */
export function describeSchedules(schedules: readonly Alternative[], chosen?: string): string {
  return formatTable(
    [{ title: 'schedule' }, ...['stages', 'step', 'bubble', 'peak memory'].map(right), { title: '' }],
    schedules.map(({ schedule, balance, step, excess, predicted }) => [
      `${schedule}${schedule === chosen ? ' ←' : ''}`,
      String(balance.length),
      `${time(step)} ms`,
      predicted ? formatShare(mean(predicted.bubble)) : '',
      predicted ? formatBytes(Math.max(...predicted.memory)) : '',
      excess > 0 ? `does not fit: ${formatBytes(excess)} missing` : 'fits',
    ]),
  );
}

const time = (milliseconds: number): string => milliseconds.toFixed(milliseconds < 100 ? 2 : 1);
