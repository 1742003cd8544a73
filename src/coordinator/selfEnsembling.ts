import type { SelfEnsemblingSpec } from '../config/runFile.ts';
import { quantile } from '../partition/spread.ts';

/** How steep the ramp of the consistency term is (Laine and Aila, Temporal Ensembling, 2017). */
const RAMP = 5;

/** How far it is. */
export interface EnsemblingState {
  readonly step: number;
  /** Of this epoch. */
  readonly losses: readonly number[];
  readonly limit: number;
}

/**
 * What self-ensembling decides from step to step (Wang et al., COPLE-Net, IEEE TMI 2020): how far the student is held to its
 * teacher, and how far the teacher follows.
 */
export class SelfEnsembling {
  readonly #spec: SelfEnsemblingSpec;
  readonly #stepsPerEpoch: number;
  #step = 0;
  #losses: number[] = [];
  /** Above it, a loss keeps the teacher where it is; unknown in the first epoch. */
  #limit = Infinity;

  constructor(spec: SelfEnsemblingSpec, stepsPerEpoch: number, begin?: EnsemblingState) {
    this.#spec = spec;
    this.#stepsPerEpoch = stepsPerEpoch;
    if (!begin) return;
    this.#step = begin.step;
    this.#losses = [...begin.losses];
    this.#limit = begin.limit;
  }

  /** What another one would have to begin with to go on from here. */
  get state(): EnsemblingState {
    return { step: this.#step, losses: [...this.#losses], limit: this.#limit };
  }

  /** What the next step's student sees and is held to. */
  get student(): {
    readonly noise: number;
    readonly consistency: { readonly weight: number; readonly otherwise: number };
  } {
    const { consistency, ramp_epochs: epochs, noise, not_better: otherwise } = this.#spec;
    const passed = epochs === 0 ? 1 : Math.min(1, this.#step / (epochs * this.#stepsPerEpoch));
    return { noise, consistency: { weight: consistency * Math.exp(-RAMP * (1 - passed) ** 2), otherwise } };
  }

  /** Takes note of a step's loss; returns the decay by which the teacher follows, or undefined where it stays as it is. */
  follow(loss: number): number | undefined {
    const { decay, later_decay: later, later_from: from, percentile } = this.#spec;
    const epoch = Math.floor(this.#step / this.#stepsPerEpoch);
    const followed = loss > this.#limit ? undefined : Math.min(epoch < from ? decay : later, 1 - 1 / (this.#step + 1));
    this.#losses.push(loss);
    this.#step++;
    if (this.#step % this.#stepsPerEpoch === 0) {
      this.#limit = quantile(this.#losses, percentile / 100);
      this.#losses = [];
    }
    return followed;
  }
}
