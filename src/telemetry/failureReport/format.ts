import { formatTable } from '../table.ts';
import { formatBytes, formatDuration } from '../units.ts';
import { describeDuring } from './during.ts';
import type { FailedProcess, FailureFacts, FailureOutcome, LayoutFacts, MachineFacts, ProcessFacts } from './facts.ts';

/** A failure as a person reads it: what failed and why, what was done about it, and what everybody was at. */
export function formatFailureReport(facts: FailureFacts): string {
  const { failure, processes, machine, layout, versions, outcome, phase } = facts;
  const sections = [
    headline(failure),
    formatTable(
      [{}, {}],
      [
        ['run', facts.run + (phase === undefined ? '' : `, phase ${phase}`)],
        ['time', facts.time],
        ['what was done', describeOutcome(outcome)],
      ],
    ),
    section('Why', failure.causes.map(describeCause).join('\ncaused by ')),
    section('Last words', failure.output),
    section('Processes', tableOf(processes)),
    section('Layout', layout ? describeLayout(layout) : ''),
    ...processes.map((each) => section(`What ${each.name} did last`, lastActionsOf(each, Date.parse(facts.time)))),
    section('Machine of the coordinator', describeMachine(machine)),
    section('Versions', formatTable([{}, {}], Object.entries(versions))),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

/** `worker 1 (stage 1) failed in step 12 during 1B0` */
function headline({ peer, stages, step, during }: FailedProcess): string {
  const held = stages.length === 0 ? '' : ` (stage ${stages.join(', ')})`;
  const place = step === undefined ? '' : ` in step ${step}`;
  return `${peer}${held} failed${place} ${describeDuring(during)}`;
}

const section = (title: string, body: string): string =>
  body.trim() === '' ? '' : `${title}\n${body.trimEnd().replaceAll(/^(?=.)/gm, '  ')}`;

function describeCause({ name, message, stack }: FailedProcess['causes'][number]): string {
  const told = name === 'Error' || message.startsWith(`${name}:`) ? message : `${name}: ${message}`;
  // A stack begins with the message.
  return stack === undefined ? told : stack.includes(message) ? stack : `${told}\n${stack}`;
}

function describeOutcome(outcome: FailureOutcome): string {
  switch (outcome.kind) {
    case 'undecided':
      return 'nothing yet: the run was still at it, or was ended in the middle of it';
    case 'recovered':
      return `recovered from ${outcome.from}, ${outcome.how}, in ${formatDuration(outcome.seconds)}`;
    case 'ended':
      return `the run ended: ${outcome.why}`;
  }
}

function tableOf(processes: readonly ProcessFacts[]): string {
  const rows = processes.map(({ name, host, pid, stages, doing, step, pulse, silent, memory }) => [
    ...[name, host, String(pid), stages.join(', ')],
    step === undefined ? doing : `${doing} (step ${step})`,
    pulse,
    `${(silent / 1000).toFixed(1)} s`,
    ...(memory ? [String(memory.tensors), formatBytes(memory.bytes), formatBytes(memory.peakResident)] : []),
  ]);
  const right = (title: string) => ({ title, align: 'right' }) as const;
  return formatTable(
    [
      ...[{ title: 'process' }, { title: 'host' }, right('pid'), { title: 'stages' }, { title: 'at' }],
      ...[{ title: 'thread' }, right('silent'), right('tensors'), right('bytes'), right('most resident')],
    ],
    rows,
  );
}

/** Times are before the failure, so that those of all processes can be laid side by side. */
function lastActionsOf({ recent }: ProcessFacts, failed: number): string {
  const before = (time: number): string => `${((time - failed) / 1000).toFixed(3)} s`;
  const rows = recent.map(({ action, step, began, ended }) => [
    before(began),
    step === undefined ? '' : `step ${step}`,
    action,
    ended === undefined ? 'going on' : `${ended - began} ms`,
  ]);
  return formatTable([{ align: 'right' }, {}, {}, { align: 'right' }], rows);
}

function describeLayout({ workers, stages, microBatches, recompute }: LayoutFacts): string {
  const rows = stages.map(({ worker, cells: [first, last] }, stage) => [String(stage), String(worker), first, last]);
  const titles = [
    { title: 'stage', align: 'right' },
    { title: 'worker', align: 'right' },
  ] as const;
  const settled = `${workers} workers, ${microBatches} micro-batches a step, recomputation ${recompute}`;
  return `${settled}\n${formatTable([...titles, { title: 'from' }, { title: 'to' }], rows)}`;
}

function describeMachine({ host, cores, load, memory, free, resident }: MachineFacts): string {
  return formatTable(
    [{}, {}],
    [
      ['host', host],
      ['cores', `${cores}, load ${load.toFixed(1)}`],
      ['memory', `${formatBytes(memory)}, of which ${formatBytes(free)} are free`],
      ['coordinator', `${formatBytes(resident)} resident`],
    ],
  );
}
