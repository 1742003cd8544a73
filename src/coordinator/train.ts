import { writeFile } from 'node:fs/promises';
import { phasesOf, type Phase } from '../config/phases.ts';
import type { RunFile } from '../config/runFile.ts';
import type { PhaseName, PhaseSummary, TrainEvent } from '../telemetry/trainEvent.ts';
import { BestWeights, keepPhase } from './bestWeights.ts';
import { initialWeights } from './initialWeights.ts';
import { launchPhase } from './launchPhase.ts';
import { LastStep } from './lastStep.ts';
import type { Pipeline } from './pipeline.ts';
import type { PipelineOptions } from './pipelineOptions.ts';
import { PhaseRun } from './phaseRun.ts';
import { planPhases, type PlannedPhase } from './planPhases.ts';
import { writePredictions } from './predictions.ts';
import { StepTrace } from './stepTrace.ts';
import { ValidationCases } from './validationCases.ts';
import type { Validation } from './validator.ts';

export interface TrainOptions {
  readonly run: RunFile;
  /** The run's folder. */
  readonly directory: string;
  /** Where relative paths of the run file begin. */
  readonly baseDirectory: string;
  /** Stops the run: the step in progress is finished if it is short, the weights are saved, and `train` rejects. */
  readonly signal: AbortSignal;
  readonly report: (event: TrainEvent) => void;
  /** Where the last so many steps are written as a trace for Perfetto, however the run ends. */
  readonly trace?: { readonly file: string; readonly steps: number } | undefined;
}

export interface TrainResult {
  /** Of the best validation of the last phase. */
  readonly meanDice?: number;
  readonly dice?: Readonly<Record<string, number>>;
  /** What the labels before the validation's deformation would score: what knowing the case by heart would give. */
  readonly undeformedDice?: number;
  /** One after the other; a run without phases is one. */
  readonly phases: readonly PhaseSummary[];
  /** Files of training cases that could not be used, where the run was to go on without. */
  readonly skipped?: readonly string[];
  readonly steps: number;
  readonly seconds: number;
  readonly samplesPerSecond: number;
  readonly directory: string;
}

/** What a phase that has ended leaves to the next, and to the result. */
interface EndedPhase {
  readonly run: RunFile;
  readonly summary: PhaseSummary;
  readonly best: Validation | undefined;
  readonly cases: ValidationCases;
  readonly skipped: readonly string[];
}

/** Trains as a run file says, phase by phase. Throws what first went wrong. */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { run, directory, baseDirectory, signal, trace: asked } = options;
  const phases = await planPhases(phasesOf(run), baseDirectory);
  let weights = await initialWeights(run, baseDirectory, (text) => options.report({ kind: 'note', text }));
  const lastStep = new LastStep(signal);
  const trace = asked && new StepTrace(asked.steps);
  const ended: EndedPhase[] = [];
  try {
    for (const phase of phases) {
      ended.push(await trainPhase(phase, { options, lastStep, trace, weights, ended, of: phases.length }));
      const { name } = phase.phase;
      if (name !== undefined) weights = { file: await keepPhase(directory, name), prefix: '' };
    }
  } finally {
    lastStep.dispose();
    await saveTrace(options, trace);
  }
  const last = ended.at(-1)!;
  if (last.best) await writePredictions({ ...options, run: last.run }, last.cases, last.best);
  return resultOf(ended, directory);
}

interface Curriculum {
  readonly options: TrainOptions;
  readonly lastStep: LastStep;
  readonly trace: StepTrace | undefined;
  /** Where the phase begins. */
  readonly weights: PipelineOptions['weights'];
  readonly ended: readonly EndedPhase[];
  /** How many phases there are. */
  readonly of: number;
}

/** One phase on a pipeline of its own. However it ends, its weights are saved where there are any. */
async function trainPhase({ phase, plan }: PlannedPhase, curriculum: Curriculum): Promise<EndedPhase> {
  const { options, lastStep, trace, weights, ended, of } = curriculum;
  const { directory, baseDirectory, report, signal } = options;
  lastStep.enter('launching');
  const note = (text: string): void => report({ kind: 'note', text });
  const pipeline = await launchPhase(phase, { plan, baseDirectory, weights, note, signal: lastStep.signal });
  try {
    const before = { steps: sumOf(ended, 'steps'), epochs: sumOf(ended, 'epochs') };
    const { run } = phase;
    const what = run.training.self_ensembling?.result === 'teacher' ? 'teacher' : 'parameters';
    const kept = new BestWeights(pipeline, { directory, name: run.name, what, report });
    const cases = new ValidationCases(run, baseDirectory);
    const training = new PhaseRun({ phase, plan, pipeline, cases, weights: kept, before, trace, report, signal });
    reportLaunch({ phase, plan }, pipeline, { report, before, number: ended.length + 1, of });
    lastStep.enter('training');
    try {
      await training.run();
    } finally {
      lastStep.enter('saving');
      const { steps } = training.done;
      if (steps > 0 && !pipeline.failed) await kept.keepLast(before.steps + steps);
    }
    const summary = summaryOf(phase, training);
    report({ kind: 'finished', ...summary });
    return { run, summary, best: training.validations.best, cases, skipped: pipeline.skipped };
  } finally {
    await pipeline.close();
  }
}

const sumOf = (ended: readonly EndedPhase[], key: 'steps' | 'epochs' | 'seconds'): number =>
  ended.reduce((sum, { summary }) => sum + summary[key], 0);

function reportLaunch(
  { phase: { name, run }, plan }: PlannedPhase,
  { workers }: Pipeline,
  at: { before: { steps: number; epochs: number }; report: TrainOptions['report'] } & Omit<PhaseName, 'name'>,
): void {
  const { before, report, number, of } = at;
  const stepsPerEpoch = plan.steps.length;
  report({
    kind: 'launched',
    ...(name === undefined ? {} : { phase: { name, number, of }, done: before }),
    workers,
    parameters: workers.reduce((sum, { parameters }) => sum + parameters, 0),
    stepsPerEpoch,
    steps: before.steps + stepsPerEpoch * run.training.epochs,
  });
}

function summaryOf({ name, run }: Phase, { done, validations }: PhaseRun): PhaseSummary {
  const { mean, structures } = validations.found;
  return {
    ...(name === undefined ? {} : { phase: name }),
    ...done,
    stoppedEarly: validations.exhausted && done.epochs < run.training.epochs,
    ...(mean ? { best: { meanDice: mean.dice, epoch: mean.epoch } } : {}),
    structures,
  };
}

function resultOf(ended: readonly EndedPhase[], directory: string): TrainResult {
  const { best, cases } = ended.at(-1)!;
  const { undeformedDice } = cases;
  const seconds = sumOf(ended, 'seconds');
  const skipped = [...new Set(ended.flatMap((phase) => phase.skipped))];
  const samples = ended.reduce((sum, { run, summary }) => sum + summary.steps * run.training.batch_size, 0);
  return {
    ...(best ? { meanDice: best.meanDice, dice: best.dice } : {}),
    ...(undeformedDice === undefined ? {} : { undeformedDice }),
    phases: ended.map(({ summary }) => summary),
    ...(skipped.length > 0 ? { skipped } : {}),
    steps: sumOf(ended, 'steps'),
    seconds,
    samplesPerSecond: samples / seconds,
    directory,
  };
}

async function saveTrace({ trace: asked, run, report }: TrainOptions, trace: StepTrace | undefined): Promise<void> {
  if (!asked || !trace || trace.steps === 0) return;
  await writeFile(asked.file, trace.format(run.name));
  report({ kind: 'saved', path: asked.file, what: 'trace' });
}
