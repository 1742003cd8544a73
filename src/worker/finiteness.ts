import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { ParameterStore } from '../layers/parameterStore.ts';
import { layersOf, type Cell } from '../models/cell.ts';
import type { CellBackward } from '../models/runCell.ts';
import type { FoundNotFinite } from '../transport/protocol.ts';
import type { CellCheck, Stage } from './stage.ts';

/** The passes of a step, in the order in which what is wrong in one spreads to the next. */
const ranks: Readonly<Record<FoundNotFinite['pass'], number>> = {
  parameter: 0,
  input: 1,
  forward: 2,
  loss: 3,
  backward: 4,
  weights: 4,
};

type Place = Omit<FoundNotFinite, 'value'>;

/**
 * Looks in a step at all that its stages make, cell by cell, and keeps the first that is NaN or infinite. First is not what came
 * first by the clock, which the schedule decides, but what no other can come from:
 *
 *     parameters ─▶ images ─▶ forward, cell by cell ─▶ loss ─▶ backward, from the last cell to the first
 *
 * and in each of them the first micro-batch. So the same is named on any number of workers, under any schedule.
 */
export class Finiteness {
  readonly #engine: Engine;
  readonly #parameters: ParameterStore;
  readonly #stages: ReadonlyMap<number, Stage>;
  #first: FoundNotFinite | undefined;

  /** @param parameters those that the stages compute with */
  constructor(engine: Engine, parameters: ParameterStore, stages: ReadonlyMap<number, Stage>) {
    this.#engine = engine;
    this.#parameters = parameters;
    this.#stages = stages;
  }

  get first(): FoundNotFinite | undefined {
    return this.#first;
  }

  /** What the stages begin with. */
  parameters(): void {
    for (const [stage, { cells }] of this.#stages)
      for (const [index, cell] of cells.entries())
        for (const { name, role } of parametersOf(cell)) {
          if (role === 'buffer') continue;
          const value = this.#parameters.read(name);
          this.#look(value, { pass: 'parameter', stage, index, cell: cell.name, tensor: name });
          value.dispose();
        }
  }

  /** The images of a micro-batch, before the first cell. */
  input(stage: number, microBatch: number, image: Tensor): void {
    this.#look(image, { pass: 'input', stage, microBatch, ...this.#cellAt(stage, 0), tensor: 'image' });
  }

  /** What comes behind the last cell. */
  loss(stage: number, microBatch: number, { value, gradient }: { value: number; gradient: Tensor }): void {
    const place = { pass: 'loss', stage, microBatch, ...this.#cellAt(stage, this.#cells(stage).length - 1) } as const;
    if (!Number.isFinite(value)) this.#keep({ ...place, tensor: 'loss', value });
    this.#look(gradient, { ...place, tensor: 'gradient of the logits' });
  }

  /** What a stage is to show of a micro-batch. */
  ofStage(stage: number, microBatch: number): CellCheck {
    const at = (index: number): Pick<Place, 'stage' | 'index' | 'cell' | 'microBatch'> => ({
      ...{ stage, microBatch },
      ...this.#cellAt(stage, index),
    });
    return {
      forward: (index, output) => this.#look(output, { pass: 'forward', ...at(index), tensor: 'output' }),
      backward: (index, { input, skip }: Partial<CellBackward<Tensor | undefined>>) => {
        if (input) this.#look(input, { pass: 'backward', ...at(index), tensor: 'gradient of the input' });
        if (skip) this.#look(skip, { pass: 'backward', ...at(index), tensor: 'gradient of the skip' });
        this.#weights(at(index));
      },
    };
  }

  /** The gradients of a cell's parameters as they have been gathered so far; also those that are finite, but whose norm is not. */
  #weights(at: Omit<Place, 'pass' | 'tensor'>): void {
    const { square, sum } = this.#engine.math;
    for (const { name } of parametersOf(this.#cells(at.stage)[at.index]!)) {
      const { gradient } = this.#parameters.get(name);
      if (!gradient) continue;
      const place = { ...at, pass: 'weights', tensor: name } as const;
      const found = this.#look(gradient, place);
      if (found) continue;
      const squares = this.#engine.tidy(() => sum(square(gradient)));
      const value = this.#engine.read(squares)[0]!;
      squares.dispose();
      if (!Number.isFinite(value)) this.#keep({ ...place, tensor: `square of ${name}`, value });
    }
  }

  /** Whether a tensor has a value that is not finite; where that is the first of all, it is kept. */
  #look(tensor: Tensor, place: Place): boolean {
    const value = notFiniteIn(this.#engine, tensor);
    if (value !== undefined) this.#keep({ ...place, value });
    return value !== undefined;
  }

  #keep(found: FoundNotFinite): void {
    this.#first = firstOf([...(this.#first ? [this.#first] : []), found]);
  }

  #cells(stage: number): readonly Cell[] {
    return this.#stages.get(stage)!.cells;
  }

  #cellAt(stage: number, index: number): Pick<Place, 'index' | 'cell'> {
    return { index, cell: this.#cells(stage)[index]!.name };
  }
}

const parametersOf = (cell: Cell) => layersOf(cell).flatMap(({ parameters }) => parameters);

/** A value of a tensor that is not finite; undefined where all are. */
function notFiniteIn(engine: Engine, tensor: Tensor): number | undefined {
  const sum = engine.math.sum(tensor);
  const total = engine.read(sum)[0]!;
  sum.dispose();
  // The sum may be too large where no value is.
  if (Number.isFinite(total)) return undefined;
  return engine.read(tensor).find((value) => !Number.isFinite(value));
}

/** Of what was found on several workers, that from which the others may have come. */
export const firstOf = (found: readonly FoundNotFinite[]): FoundNotFinite | undefined =>
  found.reduce<FoundNotFinite | undefined>(
    (first, each) => (first && !isBefore(each, first) ? first : each),
    undefined,
  );

function isBefore(a: FoundNotFinite, b: FoundNotFinite): boolean {
  const [left, right] = [orderOf(a), orderOf(b)];
  const place = left.findIndex((value, i) => value !== right[i]);
  return place >= 0 && left[place]! < right[place]!;
}

/** By pass, by micro-batch, and by cell in the direction of the pass; at a cell its input's gradient before its parameters'. */
function orderOf({ pass, microBatch = 0, stage, index }: FoundNotFinite): readonly number[] {
  const back = ranks[pass] === ranks.backward;
  return [ranks[pass], microBatch, ...(back ? [-stage, -index] : [stage, index]), pass === 'weights' ? 1 : 0];
}
