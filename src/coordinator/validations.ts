import type { Phase } from '../config/phases.ts';
import type { TrainEvent } from '../telemetry/trainEvent.ts';
import { afterFound, nothingYet, type BestSoFar } from './bestSoFar.ts';
import type { BestWeights } from './bestWeights.ts';
import { afterValidation, freshPatience, type Patience } from './earlyStop.ts';
import type { Pipeline } from './pipeline.ts';
import type { TrainingPlan } from './trainingPlan.ts';
import type { ValidationCases } from './validationCases.ts';
import { validate, type Validation } from './validator.ts';

export interface ValidationsOptions {
  readonly phase: Phase;
  readonly plan: TrainingPlan;
  readonly pipeline: Pipeline;
  readonly cases: ValidationCases;
  readonly weights: BestWeights;
  readonly report: (event: TrainEvent) => void;
  /** The last training step of the phase. */
  readonly lastStep: number;
}

/** What was found so far. */
export interface ValidationsState {
  readonly found: BestSoFar;
  readonly best: Validation | undefined;
  readonly patience: Patience;
  readonly images: number;
}

/** The validations of a phase: what was best, whose weights are kept, and whether it is worth going on. */
export class Validations {
  readonly #options: ValidationsOptions;
  #found: BestSoFar = nothingYet;
  #best: Validation | undefined;
  #patience: Patience = freshPatience;
  /** Images that went through. */
  #images = 0;

  constructor(options: ValidationsOptions, begin?: ValidationsState) {
    this.#options = options;
    if (!begin) return;
    this.#found = begin.found;
    this.#best = begin.best;
    this.#patience = begin.patience;
    this.#images = begin.images;
  }

  /** What others would have to begin with to go on from here. */
  get state(): ValidationsState {
    return { found: this.#found, best: this.#best, patience: this.#patience, images: this.#images };
  }

  /** The best figures, and after which epoch. */
  get found(): BestSoFar {
    return this.#found;
  }

  /** The one with the best mean Dice. */
  get best(): Validation | undefined {
    return this.#best;
  }

  /** Whether as many have passed without a better one as the run file allows. */
  get exhausted(): boolean {
    const { early_stop: stop } = this.#options.phase.run.training;
    return stop !== undefined && this.#patience.waited >= stop.patience;
  }

  /** Returns whether it is the best so far. */
  async add({ epoch, step }: { epoch: number; step: number }): Promise<boolean> {
    const { phase, plan, pipeline, cases, weights, report, lastStep } = this.#options;
    const { data, training } = phase.run;
    const found = await validate(pipeline, cases, {
      ...{ classes: data.classes, model: plan.model, teacher: training.self_ensembling?.result === 'teacher' },
      // On the data plane every image is a step; training steps have the numbers before, so that no tensor is mistaken for another's.
      step: lastStep + 1 + this.#images,
    });
    this.#images += cases.count;
    const { meanDice, counted, dice, seconds } = found;
    const { best, improved } = afterFound(this.#found, { epoch, meanDice, dice });
    this.#found = best;
    if (improved.mean) this.#best = found;
    this.#patience = afterValidation(this.#patience, meanDice, training.early_stop?.min_delta ?? 0);
    const of = { best: improved.mean, bestOf: improved.structures };
    const name = phase.name === undefined ? {} : { phase: phase.name };
    report({ kind: 'validated', ...name, epoch, step, meanDice, counted, dice, seconds, ...of });
    await weights.keep(training.best_per_structure ? improved : { ...improved, structures: [] }, epoch);
    return improved.mean;
  }
}
