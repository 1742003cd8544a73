import type { Phase } from '../config/phases.ts';
import { clipFactor } from '../optimizers/clipping.ts';
import { learningRate } from '../optimizers/learningRate.ts';
import { chunk } from '../pipeline/microBatch.ts';
import { refusedByProcess } from '../transport/counters.ts';
import { workerName } from '../transport/names.ts';
import type { TrainEvent } from '../telemetry/trainEvent.ts';
import type { BestWeights } from './bestWeights.ts';
import { describePlace, DivergedError, type NotFinite } from './divergedError.ts';
import { afterNotFinite, afterUpdate, nothingLeftOut, type LeftOut } from './notFinite.ts';
import type { Pipeline } from './pipeline.ts';
import type { StepResult, TrainRequest } from './stepRequest.ts';
import { SelfEnsembling, type EnsemblingState } from './selfEnsembling.ts';
import type { Refusals } from './refusals.ts';
import type { StepTrace } from './stepTrace.ts';
import type { TrainingPlan } from './trainingPlan.ts';
import { gatheredAt, updatesOf } from './updates.ts';
import { Validations, type ValidationsState } from './validations.ts';
import type { ValidationCases } from './validationCases.ts';

export interface PhaseRunOptions {
  readonly phase: Phase;
  readonly plan: TrainingPlan;
  readonly pipeline: Pipeline;
  readonly cases: ValidationCases;
  readonly weights: BestWeights;
  /** What the phases before have done. */
  readonly before: { readonly steps: number; readonly epochs: number };
  readonly trace: StepTrace | undefined;
  readonly refusals: Refusals;
  readonly report: (event: TrainEvent) => void;
  /** Where it goes on; at its beginning unless given. */
  readonly begin?: PhaseState | undefined;
  /** Called wherever the phase could be gone on from: after every update, and after a validation. */
  readonly keep: (state: PhaseState, at: { readonly best: boolean }) => Promise<void>;
  /** Stops the phase between two steps. */
  readonly signal: AbortSignal;
}

/** All that a phase needs to go on from an update, beside what its workers hold. */
export interface PhaseState {
  readonly steps: number;
  readonly epochs: number;
  readonly updates: number;
  readonly seconds: number;
  readonly leftOut: LeftOut;
  readonly ensembling: EnsemblingState | undefined;
  readonly validations: ValidationsState;
}

/** The steps of a phase, one epoch after the other, on a pipeline that has been launched. */
export class PhaseRun {
  readonly validations: Validations;
  readonly #options: PhaseRunOptions;
  /** Samples of every micro-batch. */
  readonly #microBatches: readonly number[];
  readonly #ensembling: SelfEnsembling | undefined;
  #steps = 0;
  #epochs = 0;
  #updates = 0;
  #seconds = 0;
  /** Losses of the mini-batches since the last update. */
  #losses: number[] = [];
  #leftOut: LeftOut = nothingLeftOut;

  constructor(options: PhaseRunOptions) {
    const { run } = options.phase;
    const { self_ensembling: ensembling } = run.training;
    this.#options = options;
    this.#microBatches = chunk(run.training.batch_size, options.pipeline.layout.microBatches);
    const { begin } = options;
    this.#ensembling = ensembling && new SelfEnsembling(ensembling, this.#updatesPerEpoch, begin?.ensembling);
    this.validations = new Validations({ ...options, lastStep: this.#lastStep }, begin?.validations);
    if (!begin) return;
    ({ steps: this.#steps, epochs: this.#epochs, updates: this.#updates, seconds: this.#seconds } = begin);
    this.#leftOut = begin.leftOut;
  }

  /** Where the phase could be gone on from; undefined amid several mini-batches that make one update. */
  get state(): PhaseState | undefined {
    if (this.#losses.length > 0) return undefined;
    const [ensembling, validations] = [this.#ensembling?.state, this.validations.state];
    return { ...this.done, leftOut: this.#leftOut, ensembling, validations };
  }

  /** What has been done so far in this phase. */
  get done(): { readonly steps: number; readonly epochs: number; readonly updates: number; readonly seconds: number } {
    return { steps: this.#steps, epochs: this.#epochs, updates: this.#updates, seconds: this.#seconds };
  }

  /** Trains until the last epoch, or until validation has not become better for long enough. */
  async run(): Promise<void> {
    const { epochs } = this.#options.phase.run.training;
    while (this.#epochs < epochs && !this.validations.exhausted) await this.#epoch();
  }

  get #stepsPerEpoch(): number {
    return this.#options.plan.steps.length;
  }

  get #updatesPerEpoch(): number {
    return updatesOf(this.#stepsPerEpoch, this.#options.phase.run.training.accumulate);
  }

  /** As it is planned; steps count on from phase to phase. */
  get #lastStep(): number {
    return this.#options.before.steps + this.#options.phase.run.training.epochs * this.#stepsPerEpoch;
  }

  async #epoch(): Promise<void> {
    // Where it goes on, some of the epoch are done.
    for (let s = this.#steps - this.#epochs * this.#stepsPerEpoch; s < this.#stepsPerEpoch; s++) {
      this.#options.signal.throwIfAborted();
      await this.#step(s);
    }
    // It counts as done when it is validated: whoever goes on from before that does so again.
    const done = this.#epochs + 1;
    const best = await this.#validate(done);
    this.#epochs = done;
    if (this.state) await this.#options.keep(this.state, { best });
  }

  /** Where it is due after so many epochs; returns whether the network is the best so far. */
  async #validate(done: number): Promise<boolean> {
    const { validate_every: every, epochs: all } = this.#options.phase.run.training;
    const due = every > 0 && (done === all || done % every === 0);
    if (!due || this.#options.cases.count === 0) return false;
    const { steps, epochs } = this.#options.before;
    return this.validations.add({ epoch: epochs + done, step: steps + this.#steps });
  }

  /** The mini-batches after step `s` that the loader makes meanwhile, those of the next epoch too: validation between changes none. */
  #ahead(s: number): TrainRequest[] {
    const { training, data } = this.#options.phase.run;
    const left = (training.epochs - this.#epochs) * this.#stepsPerEpoch - s - 1;
    return Array.from({ length: Math.min(data.prefetch, left) }, (_, i) => this.#request(s + 1 + i));
  }

  /** Of a step of this epoch, or, beyond its end, of the next. */
  #request(place: number): TrainRequest {
    const { phase, plan, before } = this.#options;
    const epochs = this.#epochs + Math.floor(place / this.#stepsPerEpoch);
    const s = place % this.#stepsPerEpoch;
    const { seed } = phase.run;
    // Epochs count on, so that no phase draws what one before has drawn.
    const epoch = before.epochs + epochs;
    const samples = [...plan.steps[s]!];
    return {
      step: before.steps + epochs * this.#stepsPerEpoch + s + 1,
      source: { kind: 'training', epoch, samples },
      microBatches: this.#microBatches,
      draws: samples.map((sample) => `${seed} ${epoch} ${sample}`),
      // Also where nothing is clipped: an update from what is not finite would be the end. And also where gradients are only
      // gathered: the one mini-batch that has to be taken again to find the cell is this.
      norm: true,
      gathers: this.#gatheredAt(s) === undefined,
    };
  }

  #gatheredAt(s: number): number | undefined {
    return gatheredAt(s, this.#stepsPerEpoch, this.#options.phase.run.training.accumulate);
  }

  async #step(s: number): Promise<void> {
    const { phase, pipeline, trace } = this.#options;
    const begin = performance.now();
    const rate = this.#learningRate();
    const [request, ahead] = [this.#request(s), this.#ahead(s)];
    const student = this.#ensembling?.student;
    // Sent as soon as it is made, where nothing is sent between: no validation, and no pass of the teacher.
    const next = student || s + 1 === this.#stepsPerEpoch ? undefined : ahead[0];
    if (student) await pipeline.teach(request, student.noise);
    const result = await pipeline.train(student ? { ...request, ensembling: student } : request, next, ahead);
    trace?.add(request.step, result.recording, phase.name);
    this.#tellRefused(request.step, result);
    const norm = await this.#learn(s, result, student ? { ...request, ensembling: student } : request);
    const seconds = (performance.now() - begin) / 1000;
    this.#steps++;
    this.#seconds += seconds;
    const figures = { loss: result.loss, learningRate: rate, seconds, loading: result.loading / seconds };
    this.#report(request.step, figures, norm);
    // At the end of an epoch after it was validated.
    if (this.state && s + 1 < this.#stepsPerEpoch) await this.#options.keep(this.state, { best: false });
  }

  #tellRefused(step: number, { workers }: StepResult): void {
    const { phase, report, refusals } = this.#options;
    const counted = workers.map(({ refused = {} }, k) => [workerName(k), refused] as const);
    for (const [process, now] of [['coordinator', refusedByProcess()] as const, ...counted]) {
      const reasons = refusals.news(process, now);
      if (!reasons) continue;
      report({ kind: 'refused', step, process, reasons, ...(phase.name === undefined ? {} : { phase: phase.name }) });
    }
  }

  /** What comes of a mini-batch: gathered, an update, or where it is not finite nothing. Returns the norm that was clipped by. */
  async #learn(s: number, result: StepResult, request: TrainRequest): Promise<number | undefined> {
    const place = { step: request.step, rate: this.#learningRate() };
    const found = notFiniteIn(result);
    if (found) {
      await this.#leaveOut(found, place, request);
      return undefined;
    }
    this.#losses.push(result.loss);
    return this.#gatheredAt(s) === undefined ? undefined : this.#update(result, place);
  }

  /** Forgets a mini-batch and what was gathered with it for the same update; or ends the run, as it says. */
  async #leaveOut(found: NotFinite, { step, rate }: Place, request: TrainRequest): Promise<void> {
    const { phase, pipeline, report } = this.#options;
    const { not_finite: spec } = phase.run.training;
    const place = await pipeline.locate(request);
    const leftOut = afterNotFinite(this.#leftOut, spec);
    if (!leftOut) throw new DivergedError({ ...found, step, rate, place, leftOut: this.#leftOut.row });
    this.#leftOut = leftOut;
    this.#losses = [];
    report({
      ...{ kind: 'not finite', step, what: found.what },
      ...(phase.name === undefined ? {} : { phase: phase.name }),
      ...(place ? { place: describePlace(place) } : {}),
      ...(spec.action === 'lower_rate' ? { rate: this.#learningRate() } : {}),
    });
  }

  /** By updates: several mini-batches may make one. */
  #learningRate(): number {
    const { lr_schedule: schedule, optimizer, training } = this.#options.phase.run;
    const stepsPerEpoch = this.#updatesPerEpoch;
    const totalSteps = stepsPerEpoch * training.epochs;
    const planned = learningRate(schedule, optimizer.lr, { step: this.#updates, totalSteps, stepsPerEpoch });
    return planned * this.#leftOut.rateFactor;
  }

  /**
   * Updates the parameters from the mean gradient of the n mini-batches that were gathered, ḡ = Σ g / n, clipped by its own norm;
   * returns that norm, where it is clipped by. The workers hold Σ g.
   */
  async #update({ gradientNorm }: StepResult, place: Place): Promise<number | undefined> {
    const { clip_norm: most } = this.#options.phase.run.training;
    const gathered = this.#losses.length;
    const norm = gradientNorm === undefined ? undefined : gradientNorm / gathered;
    const factor = (norm === undefined || most === undefined ? 1 : clipFactor(norm, most)) / gathered;
    const loss = this.#losses.reduce((sum, each) => sum + each, 0) / gathered;
    this.#losses = [];
    await this.#options.pipeline.apply(place.rate, factor, this.#ensembling?.follow(loss));
    this.#updates++;
    this.#leftOut = afterUpdate(this.#leftOut);
    return most === undefined ? undefined : norm;
  }

  #report(
    step: number,
    figures: { loss: number; learningRate: number; seconds: number; loading: number },
    gradientNorm: number | undefined,
  ): void {
    const { phase, before, report } = this.#options;
    const { batch_size: samples, accumulate } = phase.run.training;
    report({
      kind: 'step',
      ...(phase.name === undefined ? {} : { phase: phase.name }),
      ...{ step, epoch: before.epochs + this.#epochs + 1, steps: this.#lastStep },
      ...(accumulate === 1 ? {} : { updates: this.#updates }),
      ...figures,
      samples,
      ...(gradientNorm === undefined ? {} : { gradientNorm }),
    });
  }
}

/** A step, and the learning rate of its update. */
interface Place {
  readonly step: number;
  readonly rate: number;
}

function notFiniteIn({ loss, gradientNorm }: StepResult): NotFinite | undefined {
  if (!Number.isFinite(loss)) return { what: 'loss', value: loss };
  if (gradientNorm !== undefined && !Number.isFinite(gradientNorm))
    return { what: 'norm of the gradients', value: gradientNorm };
  return undefined;
}
