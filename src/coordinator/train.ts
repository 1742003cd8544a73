import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunFile } from '../config/runFile.ts';
import { stagesPerWorkerOf } from '../config/scheduleName.ts';
import type { LoaderConfiguration } from '../data/loader/configuration.ts';
import { clipFactor } from '../optimizers/clipping.ts';
import { learningRate } from '../optimizers/learningRate.ts';
import { chunk } from '../pipeline/microBatch.ts';
import type { ScheduleFamily } from '../pipeline/schedules.ts';
import { runFiles } from '../telemetry/runDirectory.ts';
import type { TrainEvent } from '../telemetry/trainEvent.ts';
import { LastStep } from './lastStep.ts';
import type { Layout } from './layout.ts';
import { Pipeline, type TrainRequest } from './pipeline.ts';
import { writePredictions } from './predictions.ts';
import { scheduleFamily } from './scheduleFamily.ts';
import { StepTrace } from './stepTrace.ts';
import { planTraining, type TrainingPlan } from './trainingPlan.ts';
import { validate, type Validation } from './validator.ts';
import { saveWeights } from './weightsFile.ts';

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
  /** Of the best validation. */
  readonly meanDice?: number;
  readonly dice?: Readonly<Record<string, number>>;
  /** What the labels before the validation's deformation would score: what knowing the case by heart would give. */
  readonly undeformedDice?: number;
  readonly steps: number;
  readonly seconds: number;
  readonly samplesPerSecond: number;
  readonly directory: string;
}

/** The loss, or the gradients' norm, is no longer a number: every later step would make it worse. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';

  constructor(step: number, found: { what: 'loss' | 'norm of the gradients'; value: number }, rate: number) {
    super(
      `the ${found.what} of step ${step} is ${found.value}, at a learning rate of ${rate}: training has diverged. ` +
        'Lower optimizer.lr, warm up (lr_schedule.warmup_steps), or clip the gradients (training.clip_norm)',
    );
  }
}

/** Trains as a run file says. Throws what first went wrong. */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { run, baseDirectory, signal } = options;
  const plan = await planTraining(run, baseDirectory);
  const lastStep = new LastStep(signal);
  try {
    const pipeline = await launch(options, plan, lastStep.signal);
    try {
      return await new Training(options, plan, pipeline, lastStep).run();
    } finally {
      await pipeline.close();
    }
  } finally {
    lastStep.dispose();
  }
}

function launch(
  { run, baseDirectory, report }: TrainOptions,
  plan: TrainingPlan,
  signal: AbortSignal,
): Promise<Pipeline> {
  const { model, seed, loss, optimizer, pipeline, engine } = run;
  return Pipeline.launch({
    ...{ model, loss, optimizer, seed, engine, signal },
    workers: plan.workers,
    balance: pipeline.balance,
    schedule: scheduleOf(pipeline, baseDirectory),
    stagesPerWorker: stagesPerWorkerOf(pipeline),
    recompute: pipeline.recompute,
    skips: pipeline.skips,
    memory: pipeline.memory,
    batchNorm: pipeline.batch_norm,
    loader: loaderOf(run, plan, baseDirectory),
    microBatchShape: plan.microBatchShape,
    microBatches:
      pipeline.micro_batches === 'auto' ? 'auto' : chunk(run.training.batch_size, pipeline.micro_batches).length,
    batchSize: run.training.batch_size,
    costs: 'measured',
    note: (text) => report({ kind: 'note', text }),
  });
}

const scheduleOf = ({ schedule }: RunFile['pipeline'], baseDirectory: string): ScheduleFamily | 'auto' =>
  schedule === 'auto' ? 'auto' : scheduleFamily({ schedule }, baseDirectory);

function loaderOf(
  { model, data, seed, training }: RunFile,
  { microBatchShape }: TrainingPlan,
  baseDirectory: string,
): LoaderConfiguration {
  if (!data.synthetic) return { kind: 'dataset', data, model, seed, baseDirectory };
  const shape = [training.batch_size, ...microBatchShape.slice(1)];
  return { kind: 'synthetic', shape, classes: data.classes.length, seed };
}

/** What was chosen where the run file says `auto`. */
function describeChoice(
  { schedule, micro_batches, recompute }: RunFile['pipeline'],
  { plan, microBatches, ...settled }: Layout,
): string | undefined {
  if (!plan || ![schedule, micro_batches, recompute].includes('auto')) return undefined;
  const parts = [`schedule ${plan.schedule}`, `micro-batches ${microBatches}`, `recomputation ${settled.recompute}`];
  return `chosen: ${parts.join(', ')}; predicted ${(plan.predicted.step / 1000).toPrecision(3)} s a step`;
}

/** A run in progress. */
class Training {
  readonly #options: TrainOptions;
  readonly #plan: TrainingPlan;
  readonly #pipeline: Pipeline;
  readonly #lastStep: LastStep;
  /** Samples of every micro-batch. */
  readonly #microBatches: readonly number[];
  #done = 0;
  /** Images that went through in validation. */
  #validated = 0;
  #seconds = 0;
  #best: Validation | undefined;
  readonly #trace: StepTrace | undefined;

  constructor(options: TrainOptions, plan: TrainingPlan, pipeline: Pipeline, lastStep: LastStep) {
    this.#options = options;
    this.#plan = plan;
    this.#pipeline = pipeline;
    this.#microBatches = chunk(options.run.training.batch_size, pipeline.layout.microBatches);
    this.#lastStep = lastStep;
    this.#trace = options.trace && new StepTrace(options.trace.steps);
  }

  get #steps(): number {
    return this.#plan.steps.length * this.#options.run.training.epochs;
  }

  async run(): Promise<TrainResult> {
    const { run, report, directory } = this.#options;
    const chosen = describeChoice(run.pipeline, this.#pipeline.layout);
    if (chosen) report({ kind: 'note', text: chosen });
    report({
      kind: 'launched',
      workers: this.#pipeline.workers,
      parameters: this.#pipeline.workers.reduce((sum, { parameters }) => sum + parameters, 0),
      stepsPerEpoch: this.#plan.steps.length,
      steps: this.#steps,
    });
    this.#lastStep.enter('training');
    try {
      for (let epoch = 0; epoch < run.training.epochs; epoch++) await this.#epoch(epoch);
    } finally {
      this.#lastStep.enter('saving');
      await this.#saveTrace();
      await this.#saveLast();
    }
    if (this.#best) await writePredictions(this.#options, this.#plan, this.#best);
    return {
      ...(this.#best ? { meanDice: this.#best.meanDice, dice: this.#best.dice } : {}),
      ...(this.#plan.undeformedDice === undefined ? {} : { undeformedDice: this.#plan.undeformedDice }),
      steps: this.#done,
      seconds: this.#seconds,
      samplesPerSecond: (this.#done * run.training.batch_size) / this.#seconds,
      directory,
    };
  }

  async #epoch(epoch: number): Promise<void> {
    const { training } = this.#options.run;
    for (let s = 0; s < this.#plan.steps.length; s++) {
      this.#options.signal.throwIfAborted();
      const request = this.#request(epoch, s);
      // The loader makes the next mini-batch while this one is in the pipeline.
      const next = s + 1 < this.#plan.steps.length ? this.#request(epoch, s + 1) : undefined;
      await this.#step(epoch, request, next);
    }
    const last = epoch + 1 === training.epochs;
    const due = training.validate_every > 0 && (last || (epoch + 1) % training.validate_every === 0);
    if (due && this.#plan.validation.length > 0) await this.#validate(epoch);
  }

  #request(epoch: number, s: number): TrainRequest {
    const samples = [...this.#plan.steps[s]!];
    return {
      step: epoch * this.#plan.steps.length + s + 1,
      source: { kind: 'training', epoch, samples },
      microBatches: this.#microBatches,
      draws: samples.map((sample) => `${this.#options.run.seed} ${epoch} ${sample}`),
      norm: this.#options.run.training.clip_norm !== undefined,
    };
  }

  async #step(epoch: number, request: TrainRequest, next: TrainRequest | undefined): Promise<void> {
    const { run, report } = this.#options;
    const begin = performance.now();
    const rate = learningRate(run.lr_schedule, run.optimizer.lr, {
      step: this.#done,
      totalSteps: this.#steps,
      stepsPerEpoch: this.#plan.steps.length,
    });
    const { loss, gradientNorm, recording } = await this.#pipeline.train(request, next);
    this.#trace?.add(request.step, recording);
    this.#checkFinite({ what: 'loss', value: loss }, rate);
    if (gradientNorm !== undefined) this.#checkFinite({ what: 'norm of the gradients', value: gradientNorm }, rate);
    const { clip_norm: most } = run.training;
    await this.#pipeline.apply(rate, most === undefined ? 1 : clipFactor(gradientNorm!, most));
    const seconds = (performance.now() - begin) / 1000;
    this.#done++;
    this.#seconds += seconds;
    report({
      kind: 'step',
      step: this.#done,
      epoch: epoch + 1,
      steps: this.#steps,
      loss,
      learningRate: rate,
      seconds,
      samples: run.training.batch_size,
      ...(gradientNorm === undefined ? {} : { gradientNorm }),
    });
  }

  #checkFinite(found: { what: 'loss' | 'norm of the gradients'; value: number }, rate: number): void {
    if (!Number.isFinite(found.value)) throw new DivergedError(this.#done + 1, found, rate);
  }

  async #validate(epoch: number): Promise<void> {
    const { run, report } = this.#options;
    const { validation: cases, model } = this.#plan;
    // On the data plane every image is a step; training steps have the numbers before, so that no tensor is mistaken for another's.
    const step = this.#steps + 1 + this.#validated;
    const found = await validate(this.#pipeline, cases, { classes: run.data.classes, model, step });
    this.#validated += cases.length;
    const best = !this.#best || found.meanDice > this.#best.meanDice;
    const { meanDice, counted, dice, seconds } = found;
    report({ kind: 'validated', epoch: epoch + 1, step: this.#done, meanDice, counted, dice, seconds, best });
    if (!best) return;
    this.#best = found;
    await this.#save(runFiles.weights, `best of epoch ${epoch + 1}`);
  }

  /** The parameters as they are at the end, however it came; they are also the best ones where nothing was validated. */
  async #saveLast(): Promise<void> {
    if (this.#done === 0 || this.#pipeline.failed) return;
    await this.#save(this.#best ? runFiles.lastWeights : runFiles.weights, `after step ${this.#done}`);
  }

  async #saveTrace(): Promise<void> {
    const { trace, run, report } = this.#options;
    if (!trace || !this.#trace || this.#trace.steps === 0) return;
    await writeFile(trace.file, this.#trace.format(run.name));
    report({ kind: 'saved', path: trace.file, what: 'trace' });
  }

  async #save(name: string, when: string): Promise<void> {
    const path = join(this.#options.directory, name);
    await saveWeights(this.#pipeline, path, { run: this.#options.run.name, when });
    this.#options.report({ kind: 'saved', path, what: 'weights' });
  }
}
