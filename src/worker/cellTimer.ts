import type { OptimizerSpec } from '../config/runFile.ts';
import type { Engine } from '../engine/engine.ts';
import type { Shape, Tensor } from '../engine/tensor.ts';
import type { Pass } from '../layers/layer.ts';
import { ParameterStore } from '../layers/parameterStore.ts';
import type { Cell } from '../models/cell.ts';
import { parameterSpecs } from '../models/describe.ts';
import { initializeParameters } from '../models/initialize.ts';
import {
  backwardCell,
  backwardCellInput,
  backwardCellWeights,
  forwardCell,
  type CellForward,
} from '../models/runCell.ts';
import { optimizerFromSpec } from '../optimizers/index.ts';
import { settle } from './settle.ts';

/** A cell where it stands in the network, for one micro-batch. */
export interface CellPlace {
  readonly cell: Cell;
  readonly input: Shape;
  readonly skip: Shape | undefined;
  /** False for the network's first cell: nobody reads its input's gradient, and all of its backward pass can wait. */
  readonly needInput: boolean;
}

/** Milliseconds of every repetition. */
export interface CellSamples {
  readonly forward: number[];
  /** The whole backward pass. */
  readonly backward: number[];
  /** Its two halves. */
  readonly backwardInput: number[];
  readonly backwardWeights: number[];
}

const WARM_UP = 1;
/** Of a cell that takes so long, this many repetitions are enough. */
const LEAST_REPETITIONS = 3;
const PATIENCE_MILLISECONDS = 1500;

/** Times the passes of one cell, with gradients added to those of earlier micro-batches as in a run. */
export class CellTimer {
  readonly #engine: Engine;
  readonly #place: CellPlace;
  readonly #options: { optimizer: OptimizerSpec; repetitions: number; overhead: number };
  readonly #parameters: ParameterStore;
  readonly #pass: Pass;
  readonly #input: Tensor;
  readonly #skip: Tensor | undefined;

  /** @param options.overhead milliseconds of waiting for the device alone, which are taken off */
  constructor(
    engine: Engine,
    place: CellPlace,
    options: { optimizer: OptimizerSpec; repetitions: number; overhead: number },
  ) {
    const { cell, input, skip } = place;
    this.#engine = engine;
    this.#place = place;
    this.#options = options;
    this.#parameters = new ParameterStore(engine);
    initializeParameters(engine, this.#parameters, parameterSpecs([cell]), 0);
    const draws = Array.from({ length: input[0] ?? 1 }, (_, sample) => `profile ${sample}`);
    this.#pass = {
      ...{ engine, parameters: this.#parameters, draws },
      ...{ mode: 'train', batchNorm: 'micro', recomputing: false, keep: true },
    };
    this.#input = engine.math.fill([...input], 0.5);
    this.#skip = skip && engine.math.fill([...skip], 0.5);
  }

  passes(): CellSamples {
    const samples: CellSamples = { forward: [], backward: [], backwardInput: [], backwardWeights: [] };
    const { repetitions } = this.#options;
    const begin = performance.now();
    for (let round = 0; round < WARM_UP + repetitions; round++) {
      const spent = performance.now() - begin;
      if (round >= WARM_UP + LEAST_REPETITIONS && spent > PATIENCE_MILLISECONDS) break;
      const times = { ...this.#whole(), ...this.#halves() };
      if (round < WARM_UP) continue;
      for (const key of Object.keys(times) as (keyof CellSamples)[]) samples[key].push(times[key]);
    }
    return samples;
  }

  /** Milliseconds of the optimizer's update. */
  updates(): number[] {
    const optimizer = optimizerFromSpec(this.#engine, this.#options.optimizer);
    const trainable = this.#parameters.trainable();
    const times = Array.from({ length: WARM_UP + LEAST_REPETITIONS }, () =>
      this.#time(() => {
        optimizer.step(trainable, 1e-6);
        this.#settleParameters();
      }),
    );
    optimizer.dispose();
    return times.slice(WARM_UP);
  }

  #whole(): { forward: number; backward: number } {
    const { cell, needInput } = this.#place;
    const { saved, gradient, forward } = this.#forward();
    const backward = this.#time(() => {
      const { input, skip } = backwardCell(this.#pass, cell, saved, gradient, undefined, { needInput });
      if (input) settle(this.#engine, input);
      else this.#settleGradient();
      input?.dispose();
      skip?.dispose();
    });
    return { forward, backward };
  }

  #halves(): { backwardInput: number; backwardWeights: number } {
    const { cell, needInput } = this.#place;
    if (!needInput) return { backwardInput: 0, backwardWeights: this.#whole().backward };
    const { saved, gradient } = this.#forward();
    let held: ReturnType<typeof backwardCellInput>['held'] = [];
    const backwardInput = this.#time(() => {
      const half = backwardCellInput(this.#pass, cell, saved, gradient);
      settle(this.#engine, half.input);
      half.input.dispose();
      half.skip?.dispose();
      held = half.held;
    });
    const backwardWeights = this.#time(() => {
      backwardCellWeights(this.#pass, held);
      this.#settleGradient();
    });
    return { backwardInput, backwardWeights };
  }

  #forward(): { saved: CellForward['saved']; gradient: Tensor; forward: number } {
    const engine = this.#engine;
    let result: CellForward | undefined;
    const forward = this.#time(() => {
      result = forwardCell(this.#pass, this.#place.cell, this.#input, this.#skip);
      settle(engine, result.output);
    });
    const { output, stash, saved } = result!;
    const gradient = engine.math.fill([...output.shape], 1e-3);
    settle(engine, gradient);
    stash?.dispose();
    output.dispose();
    return { saved, gradient, forward };
  }

  #time(work: () => void): number {
    const begin = performance.now();
    work();
    return Math.max(0, performance.now() - begin - this.#options.overhead);
  }

  #settleGradient(): void {
    const gradient = this.#parameters.trainable().findLast((parameter) => parameter.gradient)?.gradient;
    if (gradient) settle(this.#engine, gradient);
  }

  #settleParameters(): void {
    const [parameter] = this.#parameters.trainable();
    if (!parameter) return;
    const value = parameter.value.read();
    settle(this.#engine, value);
    value.dispose();
  }

  dispose(): void {
    this.#input.dispose();
    this.#skip?.dispose();
    this.#parameters.dispose();
  }
}
