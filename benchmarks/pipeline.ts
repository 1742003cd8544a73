import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadRunFile } from '../src/config/loadRunFile.ts';
import { trainingScheduleNames, type TrainingScheduleName } from '../src/config/scheduleName.ts';
import { bench } from '../src/coordinator/bench/index.ts';
import type { Figures } from '../src/coordinator/bench/figures.ts';
import { stagesPerWorker } from '../src/coordinator/bench/subject.ts';
import { bubbleOf } from '../src/pipeline/bubble.ts';
import { unitDurations } from '../src/pipeline/durations.ts';
import { schedules } from '../src/pipeline/schedules.ts';
import { formatTable } from '../src/telemetry/table.ts';
import { describeMachine, thisMachine } from './support/machine.ts';
import { untilQuiet } from './support/quiet.ts';
import { median } from '../src/partition/spread.ts';
import { measure } from './support/subject.ts';

/*
 * Pipelines of two workers of one core each against their own limit, and against another program.
 *
 *     npm run bench -- pipeline [--schedule all] [--micro-batches 8] [--rounds 5] [--steps 3] [--recompute never]
 *                               [--peer 'COMMAND' [--peer-name NAME]] [--wait SECONDS] [--output DIR] [--json]
 *
 * benchmarks/unetpipe.yaml (n_feat 16, cubes of 64³), 8 micro-batches. The limit of a schedule is what two independent workers
 * do side by side, less the bubble that the schedule has when every stage takes equally long and messages nothing. COMMAND runs
 * in a shell, once a round, and prints a line of JSON with `step_seconds` and `peak_mib`; its steps have as many samples. With
 * --wait every round waits for the machine to be quiet, at most so long.
 */

const { values: options } = parseArgs({
  options: {
    schedule: { type: 'string', default: 'all' },
    'micro-batches': { type: 'string', default: '8' },
    recompute: { type: 'string', default: 'never' },
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '3' },
    peer: { type: 'string' },
    'peer-name': { type: 'string', default: 'peer' },
    wait: { type: 'string', default: '0' },
    output: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const WORKERS = 2;
const microBatches = Number(options['micro-batches']);
const asked = options.schedule === 'all' ? trainingScheduleNames : options.schedule.split(',');
const machine = thisMachine();
const loads: number[] = [];
const peer: { seconds: number; peakMib: number }[] = [];

const runFile = fileURLToPath(new URL('../../unetpipe.yaml', import.meta.url));
const loaded = loadRunFile(runFile, [
  `pipeline.micro_batches=${microBatches}`,
  `training.batch_size=${microBatches}`,
  `pipeline.recompute=${options.recompute}`,
]);
const result = await bench({
  ...loaded,
  workers: [WORKERS],
  microBatches: [microBatches],
  schedules: asked as TrainingScheduleName[],
  rounds: Number(options.rounds),
  steps: Number(options.steps),
  signal: new AbortController().signal,
  report: (event) => {
    if (event.kind === 'failed') process.stderr.write(`${event.why}\n`);
    if (event.kind === 'measured')
      process.stderr.write(
        `${event.round}/${event.rounds} ${nameOf(event.subject)} ${event.seconds.toFixed(3)} s, others ${percent(event.disturbance)}\n`,
      );
  },
  before: async () => {
    const load = await untilQuiet(Number(options.wait));
    if (load !== undefined) loads.push(load);
    if (options.peer === undefined) return;
    peer.push(await measure(options.peer));
    process.stderr.write(`${options['peer-name']} ${peer.at(-1)!.seconds.toFixed(3)} s\n`);
  },
});

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(100 * share).toFixed(0)}%`;
}

function nameOf(subject: Figures['subject']): string {
  if (subject.kind === 'pipeline') return subject.schedule;
  return subject.workers === 1 ? 'one worker' : `${subject.workers} independent`;
}

/** The part of a step that every schedule of this order wastes where all stages take equally long: F = I = W, B = 2 F. */
function theoreticalBubble(name: TrainingScheduleName): number {
  const placement = schedules[name].placement(WORKERS, stagesPerWorker(name));
  const schedule = schedules[name].generate({ stages: placement.length, microBatches, placement });
  const { idle, duration } = bubbleOf(schedule, unitDurations);
  return idle.reduce((sum, each) => sum + each, 0) / WORKERS / duration;
}

const ceiling = result.figures.find(
  ({ subject }) => subject.kind === 'independent' && subject.workers === WORKERS,
)!.samplesPerSecond;
const peerRate = peer.length > 0 ? microBatches / median(peer.map(({ seconds }) => seconds)) : undefined;
const rows = result.figures.map((figures) => {
  const { subject, samplesPerSecond } = figures;
  const bubble = subject.kind === 'pipeline' ? theoreticalBubble(subject.schedule) : undefined;
  return {
    name: nameOf(subject),
    ...{
      samplesPerSecond,
      stepSeconds: figures.stepSeconds,
      peaks: figures.peaks,
      counted: figures.counted,
      disturbance: figures.disturbance,
    },
    efficiency: samplesPerSecond / ceiling,
    bubble: { theoretical: bubble, ...figures.bubble },
    ofLimit: bubble === undefined ? undefined : samplesPerSecond / (ceiling * (1 - bubble)),
    timesPeer: peerRate === undefined ? undefined : samplesPerSecond / peerRate,
    bytesSent: figures.bytesSent,
  };
});

const seconds = ({ median: middle, lower, upper }: Figures['stepSeconds']): string =>
  `${middle.toFixed(3)} (${lower.toFixed(3)}–${upper.toFixed(3)})`;
const table = formatTable(
  [
    { title: '' },
    ...[
      'samples/s',
      's a step (quartiles)',
      'of ceiling',
      'of its limit',
      'bubble: theory',
      'predicted',
      'measured',
    ].map((title) => ({ title, align: 'right' as const })),
    ...['× peer', 'sent', 'peak of each', 'steps', 'others'].map((title) => ({ title, align: 'right' as const })),
  ],
  [
    ...rows.map(({ name, bubble, peaks, ...row }) => [
      name,
      row.samplesPerSecond.toFixed(2),
      seconds(row.stepSeconds),
      percent(row.efficiency),
      percent(row.ofLimit),
      percent(bubble.theoretical),
      row.ofLimit === undefined ? '' : percent(bubble.predicted),
      row.ofLimit === undefined ? '' : percent(bubble.measured),
      row.timesPeer?.toFixed(2) ?? '',
      row.bytesSent > 0 ? `${(row.bytesSent / 2 ** 20).toFixed(0)} MiB` : '',
      peaks.map((peak) => (peak / 2 ** 20).toFixed(0)).join(' + ') + ' MiB',
      `${row.counted}`,
      percent(row.disturbance),
    ]),
    ...(peerRate === undefined
      ? []
      : [[options['peer-name'], peerRate.toFixed(2), (microBatches / peerRate).toFixed(3), '', '', '', '', '', '1']]),
  ],
);
const text = [
  `n_feat 16, 64³, ${microBatches} micro-batches of one sample, recompute ${options.recompute}; workers of one core each;`,
  `median of ${options.rounds} interleaved rounds of ${options.steps} steps`,
  '',
  table,
  '',
  'ceiling: two independent workers side by side. limit: the ceiling less the theoretical bubble.',
  'steps: those that count, the ones in which other processes took least of the machine; others: the most that they took in one.',
  `${result.date}, ${describeMachine(machine)}; others took ${percent(loads.length > 0 ? median(loads) : undefined)} of it before the rounds`,
  '',
].join('\n');
process.stdout.write(options.json ? `${JSON.stringify({ ...result.machine, loads, peer, rows })}\n` : text);
if (options.output !== undefined) {
  mkdirSync(options.output, { recursive: true });
  writeFileSync(join(options.output, 'pipeline.txt'), text);
  writeFileSync(
    join(options.output, 'pipeline.json'),
    `${JSON.stringify({ ...result, loads, peer, rows }, undefined, 2)}\n`,
  );
}
