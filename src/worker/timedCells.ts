import type { Engine } from '../engine/engine.ts';
import { sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import type { Pass } from '../layers/layer.ts';
import { ParameterStore } from '../layers/parameterStore.ts';
import { parameterSpecs } from '../models/describe.ts';
import { initializeParameters } from '../models/initialize.ts';
import type { Cell } from '../models/cell.ts';
import { backwardCell, backwardCellInput, backwardCellWeights, type CellSaved } from '../models/runCell.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { RandomStream } from '../random/stream.ts';
import { backwardChain, forwardChain, type CellStep, type Skips, type Watch } from './cellChain.ts';
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
  readonly stashGradients: Skips;
}

/** Consecutive cells with parameters, an input and skips of their own: their passes run as a stage runs them, and are timed. */
export class TimedCells {
  readonly #engine: Engine;
  readonly #places: readonly CellPlace[];
  readonly #cells: readonly Cell[];
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
    this.#cells = cells;
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
    const backward = this.#back(outward, (cell, saved, gradient, stash, index) =>
      backwardCell(this.#pass, cell, saved, gradient, stash, { needInput: this.#needsInput(index) }),
    );
    return { forward, backward };
  }

  #halves(): Pick<PassTimes, 'backwardInput' | 'backwardWeights'> {
    const owed: (() => void)[] = [];
    const backwardInput = this.#back(this.#forward(), (cell, saved, gradient, stash, index) => {
      if (!this.#needsInput(index)) {
        owed.unshift(() => backwardCell(this.#pass, cell, saved, gradient, stash, { needInput: false }));
        return { input: undefined };
      }
      const { held, ...half } = backwardCellInput(this.#pass, cell, saved, gradient, stash);
      owed.unshift(() => backwardCellWeights(this.#pass, held));
      return half;
    });
    const backwardWeights = this.#times((watch) => {
      for (const [index, work] of [...owed.entries()].toReversed())
        watch(index, () => {
          work();
          return undefined;
        });
    });
    if (!this.#needsInput(0)) backwardInput[0] = 0;
    return { backwardInput, backwardWeights };
  }

  #forward(): Outward & Pick<PassTimes, 'forward'> {
    const engine = this.#engine;
    const incoming = new Map([...this.#skips].map(([name, skip]) => [name, engine.share(skip)]));
    const input = engine.share(this.#input);
    let chain: ReturnType<typeof forwardChain> | undefined;
    const forward = this.#times((watch) => {
      chain = forwardChain(this.#pass, this.#cells, { input, incoming, watch });
    });
    const { output, stashes, saved } = chain!;
    // Of those that leave; they would come from where they go.
    const stashGradients = new Map([...stashes].map(([name, skip]) => [name, small(engine, skip.shape)]));
    const gradient = small(engine, output.shape);
    settle(engine, gradient);
    for (const tensor of [output, ...stashes.values()]) tensor.dispose();
    return { forward, saved, gradient, stashGradients };
  }

  /** From the last cell to the first, each by `step`; milliseconds of each. */
  #back({ saved, ...gradients }: Outward, step: CellStep): number[] {
    return this.#times((watch) => {
      const { input, skips } = backwardChain(this.#cells, saved, gradients, step, watch);
      for (const tensor of [input, ...skips.values()]) tensor?.dispose();
    });
  }

  #needsInput(cell: number): boolean {
    return this.#places[cell]!.needInput;
  }

  /** Milliseconds of what is watched, until it has been computed: what each cell made, or the gradients of its parameters. */
  #times(body: (watch: Watch) => void): number[] {
    const times = this.#places.map(() => 0);
    body((cell, work) => {
      times[cell] = this.#time(() => {
        const made = work();
        if (made) settle(this.#engine, made);
        else this.#settleGradients();
      });
    });
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
