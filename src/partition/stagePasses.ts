import type { StageCost } from '../pipeline/stageCost.ts';
import type { CellFootprint, LayerFootprint } from './cellCost.ts';
import { Ledger } from './ledger.ts';
import type { Entry } from './ledger.ts';

/*
 * The memory of a stage, by going through its passes with a ledger in place of an engine: the same handles are taken and let
 * go in the same order as worker/stage.ts and models/runCell.ts do.
 */

export interface StagePlace {
  /** The first stage computes no gradient of its input. */
  readonly first: boolean;
  /** Bytes that the loss takes beside the logits, for a moment; undefined where the stage is not the last. */
  readonly lossScratch: number | undefined;
  /** Bytes of skips that come from other stages, by name. */
  readonly skips: ReadonlyMap<string, number>;
}

/** Skips that come from other stages, and those that go to them. */
export interface Borders {
  readonly incoming: readonly string[];
  readonly outgoing: readonly string[];
}

/** What a layer holds for its backward pass. */
interface Held {
  readonly layer: LayerFootprint;
  readonly saved: readonly Entry[];
}

/** What a cell's layers hold, and those that its popped skip went through. */
interface HeldCell {
  readonly layers: readonly Held[];
  readonly popThrough: readonly Held[];
}

/** One micro-batch on its way through a stage; each pass is gone through once. */
export class StagePasses {
  readonly #cells: readonly CellFootprint[];
  readonly #place: StagePlace & Borders;
  readonly #ledger = new Ledger();
  readonly #skips = new Map<string, Entry>();
  readonly #held: HeldCell[] = [];
  /** For the second half: what is held, with the output gradient. */
  #owed: { readonly layer: LayerFootprint; readonly entries: readonly Entry[] }[] = [];
  #input: Entry = 0;
  #output: Entry = 0;
  #lossGradient: Entry | undefined;

  constructor(cells: readonly CellFootprint[], place: StagePlace & Borders) {
    this.#cells = cells;
    this.#place = place;
  }

  /** The most bytes beyond what is held, since the last call. */
  transient(held: number): number {
    return Math.max(0, this.#ledger.takePeak() - held);
  }

  /** Of the tensors that pass the stage's borders: whether they are among what it holds after a forward pass. */
  heldAtBorders(): Pick<StageCost, 'holdsInput' | 'holdsOutput' | 'heldSkips'> {
    const isHeld = (skip: string): boolean => this.#ledger.isHeld(this.#skips.get(skip) ?? -1);
    return {
      holdsInput: this.#ledger.isHeld(this.#input),
      holdsOutput: this.#ledger.isHeld(this.#output),
      heldSkips: this.#place.outgoing.filter(isHeld),
    };
  }

  /** Returns the bytes that are held behind it. */
  forward(keep: boolean): number {
    this.#finish(this.#pass(keep));
    return this.#ledger.now;
  }

  /** Goes through the cells, and sends away the skips that leave the stage; returns the output. */
  #pass(keep: boolean): Entry {
    const ledger = this.#ledger;
    this.#input = ledger.make(this.#cells[0]?.inputBytes ?? 0);
    for (const skip of this.#place.incoming) this.#skips.set(skip, ledger.make(this.#place.skips.get(skip) ?? 0));
    if (!keep) for (const entry of [this.#input, ...this.#skips.values()]) ledger.hold(entry);
    let x = this.#input;
    for (const cell of this.#cells) {
      const skip = cell.pop === undefined ? undefined : this.#skips.get(cell.pop);
      const output = this.#forwardCell(cell, x, skip, keep);
      ledger.release(x);
      if (skip !== undefined) ledger.release(skip);
      x = output;
    }
    this.#output = x;
    for (const skip of this.#place.outgoing) ledger.release(this.#skips.get(skip) ?? -1);
    return x;
  }

  /** Under recomputation: the gradients wait while the forward pass runs for the second time. */
  forwardAgain(): void {
    for (const skip of this.#place.outgoing) this.#ledger.make(this.#bytesOf(skip));
    this.#ledger.make(this.#cells.at(-1)?.outputBytes ?? 0);
    this.#pass(true);
  }

  #forwardCell(cell: CellFootprint, input: Entry, skip: Entry | undefined, keep: boolean): Entry {
    const ledger = this.#ledger;
    const through = skip === undefined ? undefined : this.#forwardRow(cell.popThrough ?? [], skip, keep);
    const joined = through ? ledger.make(joinedBytes(cell)) : ledger.hold(input);
    if (through) ledger.release(through.output);
    const { output, held } = this.#forwardRow(cell.layers, joined, keep);
    ledger.release(joined);
    this.#held.push({ layers: held, popThrough: through?.held ?? [] });
    if (cell.stash !== undefined) this.#skips.set(cell.stash, ledger.hold(output));
    return output;
  }

  #forwardRow(layers: readonly LayerFootprint[], input: Entry, keep: boolean): { output: Entry; held: Held[] } {
    const ledger = this.#ledger;
    let x = ledger.hold(input);
    const held: Held[] = [];
    for (const layer of layers) {
      ledger.scratch(layer.outputBytes + layer.scratch.forward);
      const y = layer.passesThrough ? ledger.hold(x) : ledger.make(layer.outputBytes);
      const saved = keep
        ? [
            ...(layer.keepsInput ? [ledger.hold(x)] : []),
            ...(layer.keepsOutput ? [ledger.hold(y)] : []),
            ...(layer.ownBytes > 0 ? [ledger.make(layer.ownBytes)] : []),
          ]
        : [];
      ledger.release(x);
      held.push({ layer, saved });
      x = y;
    }
    return { output: x, held };
  }

  /** The output goes to the next stage, or the loss makes its gradient of it. */
  #finish(output: Entry): void {
    const { lossScratch } = this.#place;
    if (lossScratch !== undefined) {
      this.#ledger.scratch(lossScratch);
      this.#lossGradient = this.#ledger.make(this.#cells.at(-1)?.outputBytes ?? 0);
    }
    this.#ledger.release(output);
  }

  /** Returns the bytes that are held behind it: none, or what the weight gradients still read. */
  backward(part: 'whole' | 'input'): number {
    const ledger = this.#ledger;
    const gradients = new Map(this.#place.outgoing.map((skip) => [skip, ledger.make(this.#bytesOf(skip))]));
    let gradient = this.#lossGradient ?? ledger.make(this.#cells.at(-1)?.outputBytes ?? 0);
    for (let index = this.#cells.length - 1; index >= 0; index -= 1) {
      const cell = this.#cells[index] as CellFootprint;
      const stash = cell.stash === undefined ? undefined : gradients.get(cell.stash);
      if (stash !== undefined) gradient = this.#add(gradient, stash);
      const { layers, popThrough } = this.#held[index] as HeldCell;
      gradient = this.#backwardRow(layers, gradient, part, index === 0);
      if (cell.pop === undefined) continue;
      const [front, behind] = this.#split(cell, gradient);
      gradients.set(cell.pop, this.#backwardRow(popThrough, behind, part));
      gradient = front;
    }
    ledger.release(gradient);
    for (const skip of this.#place.incoming) ledger.release(gradients.get(skip) ?? -1);
    return ledger.now;
  }

  /** The gradient of what was joined, in two: the input's and the skip's. */
  #split(cell: CellFootprint, gradient: Entry): [Entry, Entry] {
    const ledger = this.#ledger;
    if (cell.join === 'add') return [gradient, ledger.hold(gradient)];
    const parts: [Entry, Entry] = [ledger.make(cell.inputBytes), ledger.make(joinedBytes(cell) - cell.inputBytes)];
    ledger.release(gradient);
    return parts;
  }

  #bytesOf(skip: string): number {
    return this.#cells.find(({ stash }) => stash === skip)?.stashBytes ?? 0;
  }

  /** The output was used twice. */
  #add(gradient: Entry, stash: Entry): Entry {
    const sum = this.#ledger.make(this.#ledger.bytesOf(gradient));
    this.#ledger.release(gradient);
    this.#ledger.release(stash);
    return sum;
  }

  #backwardRow(held: readonly Held[], outputGradient: Entry, part: 'whole' | 'input', foremost = false): Entry {
    const ledger = this.#ledger;
    let gradient = outputGradient;
    for (let l = held.length - 1; l >= 0; l -= 1) {
      const { layer, saved } = held[l] as Held;
      const unread = part === 'whole' && this.#place.first && foremost && l === 0 && layer.weightsLater;
      const dx = layer.passesThrough ? ledger.hold(gradient) : ledger.make(unread ? 0 : layer.inputBytes);
      if (part === 'input' && layer.weightsLater) this.#owed.push({ layer, entries: [...saved, gradient] });
      else {
        ledger.scratch(backwardScratch(layer));
        for (const entry of saved) ledger.release(entry);
        ledger.release(gradient);
      }
      gradient = dx;
    }
    return gradient;
  }

  /** The second half. */
  backwardWeights(): void {
    for (const { layer, entries } of this.#owed) {
      this.#ledger.scratch(backwardScratch(layer));
      for (const entry of entries) this.#ledger.release(entry);
    }
    this.#owed = [];
  }
}

/** What the layers of a cell are given. */
const joinedBytes = ({ layers, outputBytes }: CellFootprint): number => layers[0]?.inputBytes ?? outputBytes;

/** The gradients of the parameters, beside what the kernels take; then these, and their sums with those of micro-batches before. */
const backwardScratch = ({ scratch, weightBytes }: LayerFootprint): number =>
  Math.max(scratch.backward + weightBytes, 2 * weightBytes);
