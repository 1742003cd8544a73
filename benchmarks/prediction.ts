import { freemem } from 'node:os';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadRunFile } from '../src/config/loadRunFile.ts';
import type { RecomputeMode } from '../src/config/runFile.ts';
import type { TrainingScheduleName } from '../src/config/scheduleName.ts';
import { Contender, type TimedStep } from '../src/coordinator/bench/contender.ts';
import { undisturbed } from '../src/coordinator/bench/figures.ts';
import { Stable } from '../src/coordinator/bench/stable.ts';
import { stagesPerWorker } from '../src/coordinator/bench/subject.ts';
import type { PipelineOptions } from '../src/coordinator/pipelineOptions.ts';
import { profileRun } from '../src/coordinator/profileRun.ts';
import { costsFor } from '../src/coordinator/question.ts';
import { buildModel } from '../src/models/index.ts';
import { measuredMachine } from '../src/partition/measured.ts';
import { messageBytesOf, stageCostOf } from '../src/partition/modelCost.ts';
import { balanceOf } from '../src/partition/partition.ts';
import type { Profile } from '../src/partition/profile.ts';
import { leastQueueCapacity } from '../src/pipeline/boundedRun.ts';
import { schedules } from '../src/pipeline/schedules.ts';
import { simulate, type Simulation } from '../src/pipeline/simulator.ts';
import { formatTable } from '../src/telemetry/table.ts';
import { describeMachine, thisMachine } from './support/machine.ts';
import { untilQuiet } from './support/quiet.ts';
import { median } from '../src/partition/spread.ts';

/*
 * Predicted against measured: time and memory of a step for plans of all kinds.
 *
 *     npm run bench -- prediction [--rounds 3] [--steps 2] [--profiles 3] [--wait SECONDS] [--output DIR]
 *
 * The network of benchmarks/unetpipe.yaml on one worker and on two, of one core each, is profiled as `lamp profile` does
 * (--profiles times; the fastest is taken, which was disturbed least). The simulator is given the profile and the schedule of
 * each plan, and nothing of how the plan ran. Rounds are interleaved; steps count in which other processes took least of the
 * machine. Memory: the bytes of values alive at once, which is what the model counts.
 */

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '2' },
    profiles: { type: 'string', default: '3' },
    wait: { type: 'string', default: '0' },
    output: { type: 'string' },
  },
});

interface TriedPlan {
  readonly workers: number;
  readonly schedule: TrainingScheduleName;
  readonly microBatches: number;
  readonly recompute: RecomputeMode;
  /** Cells of every stage; the best cut by the profile where left out. */
  readonly balance?: readonly number[];
}

const plans: readonly TriedPlan[] = [
  { workers: 1, schedule: '1f1b', microBatches: 4, recompute: 'never' },
  { workers: 1, schedule: '1f1b', microBatches: 8, recompute: 'always' },
  { workers: 2, schedule: 'gpipe', microBatches: 4, recompute: 'never' },
  { workers: 2, schedule: 'gpipe', microBatches: 8, recompute: 'never' },
  { workers: 2, schedule: 'gpipe', microBatches: 8, recompute: 'always' },
  { workers: 2, schedule: '1f1b', microBatches: 4, recompute: 'except_last' },
  { workers: 2, schedule: '1f1b', microBatches: 8, recompute: 'never' },
  { workers: 2, schedule: '1f1b', microBatches: 8, recompute: 'never', balance: [18, 18] },
  { workers: 2, schedule: '1f1b', microBatches: 8, recompute: 'never', balance: [35, 1] },
  { workers: 2, schedule: 'interleaved_1f1b', microBatches: 8, recompute: 'never' },
  { workers: 2, schedule: 'zb_h1', microBatches: 8, recompute: 'never' },
  { workers: 2, schedule: 'v_1f1b', microBatches: 4, recompute: 'never' },
  { workers: 2, schedule: 'v_1f1b', microBatches: 8, recompute: 'never' },
  { workers: 2, schedule: 'zb_v', microBatches: 8, recompute: 'never' },
  { workers: 2, schedule: 'zb_v', microBatches: 8, recompute: 'always' },
];

const machine = thisMachine();
const signal = new AbortController().signal;
const runFile = fileURLToPath(new URL('../../unetpipe.yaml', import.meta.url));
const { run, baseDirectory } = loadRunFile(runFile);
const SAMPLE = [64, 64, 64, 1];
const model = buildModel(run.model);
const say = (text: string): boolean => process.stderr.write(`${text}\n`);

/** The fastest of several profiles. */
async function profileOf(workers: number): Promise<Profile> {
  const found: Profile[] = [];
  for (let n = 0; n < Number(options.profiles); n++) {
    await untilQuiet(Number(options.wait));
    const [measured] = await profileRun({
      run: { ...run, pipeline: { ...run.pipeline, workers } },
      ...{ baseDirectory, signal, force: true },
    });
    found.push(measured!.profile);
    say(`profile of ${workers}: ${totalOf(measured!.profile).toFixed(0)} ms a micro-batch`);
  }
  return found.reduce((a, b) => (totalOf(b) < totalOf(a) ? b : a));
}

const totalOf = ({ cells }: Profile): number =>
  cells.reduce((sum, { forward, backward }) => sum + forward + backward, 0);

function optionsFor({ workers, schedule, microBatches, recompute, balance }: TriedPlan): PipelineOptions {
  const { model: spec, loss, optimizer, seed, engine } = run;
  return {
    ...{ model: spec, loss, optimizer, seed, engine, signal, workers, recompute, balance, microBatches },
    schedule: schedules[schedule],
    stagesPerWorker: workers === 1 ? 1 : stagesPerWorker(schedule),
    batchNorm: 'micro',
    loader: { kind: 'synthetic', shape: [microBatches, ...SAMPLE], classes: run.data.classes.length, seed },
    microBatchShape: [1, ...SAMPLE],
    costs: 'measured',
  };
}

/** The step as the simulator has it, for the very schedule that ran. */
function predict(plan: TriedPlan, pipeline: Contender['first'], step: TimedStep, profile: Profile): Simulation {
  const { schedule, routes } = step.recordings[0]!.records[0]!;
  const { partition } = pipeline.layout;
  const about = { model, optimizer: run.optimizer, shape: [1, ...SAMPLE], batchSize: plan.microBatches };
  const cost = costsFor(about, { kind: 'measured', profiles: [profile] })(plan.microBatches);
  return simulate({
    ...{ schedule, routes, recompute: plan.recompute },
    stages: partition.stages.map((range) => stageCostOf(cost, range)),
    messageBytes: messageBytesOf(cost.cells, partition),
    machine: measuredMachine(profile, []),
    queueCapacity: Math.max(2, leastQueueCapacity(schedule, routes) ?? 2),
  });
}

interface Outcome {
  readonly steps: TimedStep[];
  peaks: readonly number[];
  prediction: Simulation | undefined;
  balance: readonly number[];
}

const WARM_UP = 2;
const WARM_UP_AGAIN = 1;
const profiles = new Map<number, Profile>();
for (const workers of new Set(plans.map((plan) => plan.workers))) profiles.set(workers, await profileOf(workers));
const outcomes = new Map<TriedPlan, Outcome>(
  plans.map((plan) => [plan, { steps: [], peaks: [], prediction: undefined, balance: [] }]),
);
const stable = new Stable<TriedPlan, Contender>(0.5 * freemem(), (plan) =>
  Contender.launch(
    [optionsFor(plan)],
    Array.from({ length: plan.microBatches }, () => 1),
  ),
);
try {
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const plan of plans) {
      await untilQuiet(Number(options.wait));
      await stable.use(plan, async (contender, fresh) => {
        const outcome = outcomes.get(plan)!;
        for (let s = fresh ? -WARM_UP : -WARM_UP_AGAIN; s < Number(options.steps); s++) {
          const step = await contender.step();
          if (s >= 0) outcome.steps.push(step);
          outcome.peaks = step.peakBytes;
        }
        outcome.balance = balanceOf(contender.first.layout.partition);
        outcome.prediction = predict(plan, contender.first, outcome.steps[0]!, profiles.get(plan.workers)!);
        const { seconds, disturbance } = outcome.steps.at(-1)!;
        say(
          `${round}/${options.rounds} ${describe(plan)}: ${seconds[0]!.toFixed(3)} s, others ${percent(disturbance)}`,
        );
      });
    }
  }
} finally {
  await stable.close();
}

function describe({ workers, schedule, microBatches, recompute }: TriedPlan): string {
  return `${workers} × ${schedule}, ${microBatches} micro-batches, recompute ${recompute}`;
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(100 * share).toFixed(0)}%`;
}

const rows = [...outcomes].map(([plan, { steps, peaks, prediction, balance }]) => {
  const counted = undisturbed(steps);
  const measured = median(counted.map(({ seconds }) => seconds[0]!));
  const predicted = prediction!.step / 1000;
  const memory = prediction!.details.map(({ memory: { peak } }, worker) => ({
    predicted: peak,
    measured: peaks[worker]!,
    error: peak / peaks[worker]! - 1,
  }));
  const disturbance = Math.max(...counted.map((step) => step.disturbance ?? 0));
  return { ...plan, balance, predicted, measured, error: predicted / measured - 1, disturbance, memory };
});
const errors = rows.map(({ error }) => Math.abs(error));
const memoryErrors = rows.flatMap(({ memory }) => memory.map(({ error }) => Math.abs(error)));
const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
const table = formatTable(
  [
    { title: 'workers', align: 'right' },
    { title: 'schedule' },
    { title: 'micro-batches', align: 'right' },
    { title: 'recompute' },
    { title: 'cells' },
    ...['predicted', 'measured', 'error', 'others', 'MiB predicted', 'MiB measured', 'error'].map((title) => ({
      title,
      align: 'right' as const,
    })),
  ],
  rows.map((row) => [
    String(row.workers),
    row.schedule,
    String(row.microBatches),
    row.recompute,
    row.balance.join(' '),
    `${row.predicted.toFixed(3)} s`,
    `${row.measured.toFixed(3)} s`,
    percent(row.error),
    percent(row.disturbance),
    row.memory.map(({ predicted }) => mebibytes(predicted)).join(' + '),
    row.memory.map(({ measured }) => mebibytes(measured)).join(' + '),
    row.memory.map(({ error }) => percent(error)).join(', '),
  ]),
);
const text = [
  `n_feat 16, 64³, one sample a micro-batch, workers of one core each; median of ${options.rounds} interleaved rounds of ${options.steps} steps`,
  '',
  table,
  '',
  `time: ${percent(median(errors))} off in the median, ${percent(Math.max(...errors))} at most; ` +
    `memory: ${percent(median(memoryErrors))} in the median, ${percent(Math.max(...memoryErrors))} at most`,
  'others: the most of the machine that other processes took in a step that counts',
  `${new Date().toISOString().slice(0, 10)}, ${describeMachine(machine)}`,
  '',
].join('\n');
process.stdout.write(text);
if (options.output !== undefined) {
  mkdirSync(options.output, { recursive: true });
  writeFileSync(join(options.output, 'prediction.txt'), text);
  writeFileSync(join(options.output, 'prediction.json'), `${JSON.stringify({ rows }, undefined, 2)}\n`);
}
