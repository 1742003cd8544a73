import { Refusals } from './refusals.ts';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { phasesOf } from '../config/phases.ts';
import type { RunFile } from '../config/runFile.ts';
import { versionsOfRun } from '../telemetry/failureReport/versions.ts';
import type { Log } from '../telemetry/log/log.ts';
import type { PhaseName, PhaseSummary, TrainEvent } from '../telemetry/trainEvent.ts';
import { keepPhase, phaseFile } from './bestWeights.ts';
import { Crews } from './crews.ts';
import { FailureReports } from './failureReports.ts';
import type { Hosts } from './hosts.ts';
import { initialWeights } from './initialWeights.ts';
import { Checkpoints } from './keeping/checkpoints.ts';
import { resumePoint, type ResumePoint } from './keeping/resume.ts';
import type { EndedRecord } from './keeping/trainingState.ts';
import { LastStep } from './lastStep.ts';
import { summaryOf } from './phaseSummary.ts';
import { PhaseTraining } from './phaseTraining.ts';
import type { Pipeline } from './pipeline.ts';
import type { PipelineOptions } from './pipelineOptions.ts';
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
  /** Whether to go on from the last checkpoint of the folder; where there is none the run begins. */
  readonly resume?: boolean | undefined;
  /** Other hosts, where the workers are there and not on this machine. */
  readonly hosts?: Hosts | undefined;
  /** Where this process writes down what it does. */
  readonly log?: Log | undefined;
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

/** Trains as a run file says, phase by phase. Throws what first went wrong, and what could not be mended. */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { baseDirectory, signal, trace: asked, report } = options;
  // Workers of other hosts are somewhere else.
  const directory = resolve(options.directory);
  const note = (text: string): void => report({ kind: 'note', text });
  const lastStep = new LastStep(signal);
  const { hosts, log } = options;
  const crews = new Crews({ run: options.run, directory, hosts, log, note, signal: lastStep.signal });
  const checkpoints = new Checkpoints({ runDirectory: directory, keep: options.run.checkpoints.keep, report });
  log?.info('the run begins', { run: options.run.name, resume: options.resume, versions: versionsOfRun() });
  const failures = new FailureReports({ directory, run: options.run.name, log });
  const trace = asked && new StepTrace(asked.steps);
  const refusals = new Refusals();
  const ended: EndedPhase[] = [];
  try {
    const run = withWorkers(options.run, await crews.muster());
    const phases = await planPhases(phasesOf(run), baseDirectory);
    const resume = options.resume ? await resumePoint(directory, note) : undefined;
    const weights = await initialWeights(run, baseDirectory, note);
    ended.push(...(resume ? endedBefore(resume, phases, baseDirectory) : []));
    const shared = { lastStep, checkpoints, failures, trace, refusals, crews, weights, resume, ended };
    await trainPhases(phases, { options: { ...options, run, directory }, ...shared });
  } catch (error) {
    failures.endedBy(error);
    await crews.close({ error, asked: signal });
    throw error;
  } finally {
    await crews.close();
    await checkpoints.dispose();
    lastStep.dispose();
    await saveTrace(options, trace);
  }
  const last = ended.at(-1)!;
  if (last.best) await writePredictions({ ...options, run: last.run }, last.cases, last.best);
  return resultOf(ended, options.directory);
}

/** As many workers as have come from other hosts, where the run file does not say how many. */
function withWorkers(run: RunFile, came: number | undefined): RunFile {
  if (came === undefined || run.pipeline.workers !== 'auto') return run;
  const workers = Math.max(1, Math.floor(came / run.pipeline.replicas));
  return { ...run, pipeline: { ...run.pipeline, workers } };
}

interface Curriculum {
  readonly options: TrainOptions;
  readonly lastStep: LastStep;
  readonly checkpoints: Checkpoints;
  readonly failures: FailureReports;
  readonly trace: StepTrace | undefined;
  readonly refusals: Refusals;
  readonly crews: Crews;
  /** Where the first phase begins. */
  readonly weights: PipelineOptions['weights'];
  readonly resume: ResumePoint | undefined;
  /** Grows with every phase. */
  readonly ended: EndedPhase[];
}

/** One phase after the other, each from the best weights of the one before. */
async function trainPhases(phases: readonly PlannedPhase[], curriculum: Curriculum): Promise<void> {
  const { options, ended } = curriculum;
  let { weights, resume } = curriculum;
  for (const [number, planned] of phases.entries()) {
    const { name } = planned.phase;
    if (number >= ended.length) {
      ended.push(await trainPhase(planned, number, { ...curriculum, weights, resume, of: phases.length }));
      resume = undefined;
      if (name !== undefined) await keepPhase(options.directory, name);
    }
    if (name !== undefined) weights = { file: phaseFile(options.directory, name), prefix: '' };
  }
}

/** One phase on a pipeline of its own. However it ends, its weights are saved where there are any. */
async function trainPhase(
  planned: PlannedPhase,
  number: number,
  { options, crews, of, ended, ...shared }: Curriculum & { of: number },
): Promise<EndedPhase> {
  const { directory, baseDirectory, report, signal } = options;
  const { phase, plan } = planned;
  shared.lastStep.enter('launching');
  const before = { steps: sumOf(ended, 'steps'), epochs: sumOf(ended, 'epochs') };
  const cases = new ValidationCases(phase.run, baseDirectory);
  const { training, skipped } = await new PhaseTraining({
    ...{ planned, number, directory, baseDirectory, cases, ended: ended.map(recordOfEnded), before, report, signal },
    ...shared,
    crew: await crews.of(plan.workers * phase.run.pipeline.replicas),
    launched: (pipeline) => reportLaunch(planned, pipeline, { report, before, number: number + 1, of }),
  }).run();
  const summary = summaryOf(phase, training);
  report({ kind: 'finished', ...summary });
  return { run: phase.run, summary, best: training.validations.best, cases, skipped };
}

const recordOfEnded = ({ summary, skipped }: EndedPhase): EndedRecord => ({ summary, skipped });

/** The phases that had ended when the checkpoint was written. */
function endedBefore({ state }: ResumePoint, phases: readonly PlannedPhase[], baseDirectory: string): EndedPhase[] {
  return state.ended.map(({ summary, skipped }, number) => {
    const { run } = phases[number]!.phase;
    return { run, summary, skipped, best: undefined, cases: new ValidationCases(run, baseDirectory) };
  });
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
