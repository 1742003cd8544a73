import type { Engine } from '../engine/engine.ts';
import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import type { Pass } from '../layers/layer.ts';
import { ParameterStore } from '../layers/parameterStore.ts';
import { parameterSpecs } from '../models/describe.ts';
import { initializeParameters } from '../models/initialize.ts';
import {
  backwardCell,
  backwardCellInput,
  backwardCellWeights,
  forwardCell,
  type CellBackward,
  type CellSaved,
} from '../models/runCell.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { RandomStream } from '../random/stream.ts';
import type { CellPlace } from './cellPlaces.ts';
import { settle } from './settle.ts';

/** Milliseconds of every cell, of one round. */
export interface PassTimes {
  readonly forward: readonly number[];
  /** The whole backward pass. */
  readonly backward: readonly number[];
  /** Its two halves. */
  readonly backwardInput: readonly number[];
  readonly backwardWeights: readonly number[];
}

/** What the way back of one round needs. */
interface Outward {
  readonly saved: readonly CellSaved[];
  readonly gradient: Tensor;
  readonly skipGradients: Map<string, Tensor>;
}

/** Consecutive cells with parameters, an input and skips of their own: their passes run as a stage runs them, and are timed. */
export class TimedCells {
  readonly #engine: Engine;
  readonly #places: readonly CellPlace[];
  readonly #overhead: number;
  readonly #parameters: ParameterStore;
  readonly #pass: Pass;
  readonly #input: Tensor;
  /** Popped here and stashed before. */
  readonly #skips = new Map<string, Tensor>();

  /** @param overhead milliseconds of waiting for the device alone, which are taken off */
  constructor(engine: Engine, places: readonly CellPlace[], overhead: number) {
    this.#engine = engine;
    this.#places = places;
    this.#overhead = overhead;
    const cells = places.map(({ cell }) => cell);
    this.#parameters = new ParameterStore(engine);
    initializeParameters(engine, this.#parameters, parameterSpecs(cells), 0);
    const { input } = places[0]!;
    const draws = Array.from({ length: input[0] ?? 1 }, (_, sample) => `profile ${sample}`);
    this.#pass = {
      ...{ engine, parameters: this.#parameters, draws },
      ...{ mode: 'train', batchNorm: 'micro', recomputing: false, keep: true },
    };
    this.#input = noise(engine, input);
    const stashed = new Set(cells.map(({ stash }) => stash));
    for (const { cell, skip } of places)
      if (cell.pop !== undefined && skip && !stashed.has(cell.pop)) this.#skips.set(cell.pop, noise(engine, skip));
  }

  /** Forward through all, back through all; then forward and back once more in two halves. */
  round(): PassTimes {
    return { ...this.#whole(), ...this.#halves() };
  }

  /** Milliseconds of the optimizer's update of all cells. */
  update(optimizer: Optimizer): number {
    return this.#time(() => {
      optimizer.step(this.#parameters.trainable(), 1e-6);
      this.#settleParameters();
    });
  }

  #whole(): Pick<PassTimes, 'forward' | 'backward'> {
    const { forward, ...outward } = this.#forward();
    const backward = this.#back(outward, ({ cell, needInput }, saved, gradient, stash) => {
      const back = backwardCell(this.#pass, cell, saved, gradient, stash, { needInput });
      if (back.input) settle(this.#engine, back.input);
      else this.#settleGradients();
      return back;
    });
    return { forward, backward };
  }

  #halves(): Pick<PassTimes, 'backwardInput' | 'backwardWeights'> {
    const owed: (() => void)[] = [];
    const backwardInput = this.#back(this.#forward(), ({ cell, needInput }, saved, gradient, stash) => {
      if (!needInput) {
        owed.unshift(() => backwardCell(this.#pass, cell, saved, gradient, stash, { needInput }));
        return { input: undefined };
      }
      const half = backwardCellInput(this.#pass, cell, saved, gradient, stash);
      settle(this.#engine, half.input);
      owed.unshift(() => backwardCellWeights(this.#pass, half.held));
      return half;
    });
    const backwardWeights = new Array<number>(owed.length);
    for (let index = owed.length - 1; index >= 0; index--)
      backwardWeights[index] = this.#time(() => {
        owed[index]!();
        this.#settleGradients();
      });
    if (!this.#places[0]!.needInput) backwardInput[0] = 0;
    return { backwardInput, backwardWeights };
  }

  #forward(): Outward & Pick<PassTimes, 'forward'> {
    const engine = this.#engine;
    const skips = new Map([...this.#skips].map(([name, skip]) => [name, engine.share(skip)]));
    const skipGradients = new Map<string, Tensor>();
    const saved: CellSaved[] = [];
    const forward: number[] = [];
    let x = engine.share(this.#input);
    for (const { cell } of this.#places) {
      forward.push(
        this.#time(() => {
          const skip = cell.pop === undefined ? undefined : skips.get(cell.pop)!;
          const result = forwardCell(this.#pass, cell, x, skip);
          x.dispose();
          skip?.dispose();
          if (cell.pop !== undefined) skips.delete(cell.pop);
          if (cell.stash !== undefined) skips.set(cell.stash, result.stash!);
          saved.push(result.saved);
          x = result.output;
          settle(engine, x);
        }),
      );
    }
    // Those that leave; their gradients would come from where they go.
    for (const [name, skip] of skips) {
      skipGradients.set(name, small(engine, skip.shape));
      skip.dispose();
    }
    const gradient = small(engine, x.shape);
    settle(engine, gradient);
    x.dispose();
    return { forward, saved, gradient, skipGradients };
  }

  /** From the last cell to the first, each by `step`; milliseconds of each. */
  #back(
    { saved, gradient: last, skipGradients }: Outward,
    step: (
      place: CellPlace,
      saved: CellSaved,
      gradient: Tensor,
      stash: Tensor | undefined,
    ) => CellBackward<Tensor | undefined>,
  ): number[] {
    const times = this.#places.map(() => 0);
    let gradient: Tensor | undefined = last;
    for (const [index, place] of [...this.#places.entries()].toReversed()) {
      const { stash, pop } = place.cell;
      times[index] = this.#time(() => {
        const back = step(place, saved[index]!, gradient!, stash === undefined ? undefined : skipGradients.get(stash));
        if (stash !== undefined) skipGradients.delete(stash);
        if (pop !== undefined && back.skip) skipGradients.set(pop, back.skip);
        gradient = back.input;
      });
    }
    gradient?.dispose();
    for (const skip of skipGradients.values()) skip.dispose();
    return times;
  }

  #time(work: () => void): number {
    const begin = performance.now();
    work();
    return Math.max(0, performance.now() - begin - this.#overhead);
  }

  #settleGradients(): void {
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
    for (const skip of this.#skips.values()) skip.dispose();
    this.#parameters.dispose();
  }
}

const NOISE = new RandomStream('profile').fillUniform(new Float32Array(2 ** 16), -1, 1);

/** Noise, the same again and again: of a constant, normalizations would make nothing but zeros. */
function noise(engine: Engine, shape: Shape): Tensor {
  const values = new Float32Array(sizeOf(shape));
  for (let from = 0; from < values.length; from += NOISE.length)
    values.set(NOISE.subarray(0, values.length - from), from);
  return engine.tensor(values, shape);
}

const small = (engine: Engine, shape: Shape): Tensor => engine.math.fill([...shape], 1e-3);
