import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { BatchNormMode, RecomputeMode } from '../config/runFile.ts';
import type { Pass } from '../layers/layer.ts';
import type { ParameterStore } from '../layers/parameterStore.ts';
import type { Cell } from '../models/cell.ts';
import {
  backwardCell,
  backwardCellInput,
  backwardCellWeights,
  disposeCellSaved,
  type CellBackward,
  type CellSaved,
} from '../models/runCell.ts';
import { backwardChain, forwardChain, type CellStep, type Skips, type Watch } from './cellChain.ts';
import { disposeHeld, type Held as HeldLayer } from '../layers/sequence.ts';

export interface StageOptions {
  readonly engine: Engine;
  readonly cells: readonly Cell[];
  readonly parameters: ParameterStore;
  readonly recompute: RecomputeMode;
  readonly batchNorm: BatchNormMode;
  /** The first stage's input is an image: nobody reads its gradient. */
  readonly first: boolean;
}

/** Is shown what the cells of a stage make of a micro-batch, as they make it; cells by their place in the stage. */
export interface CellCheck {
  readonly forward: (cell: number, output: Tensor) => void;
  /** What a backward pass, or a half of one, has made; a second half makes gradients of parameters alone. */
  readonly backward: (cell: number, back: Partial<CellBackward<Tensor | undefined>>) => void;
}

/** What a stage holds for a micro-batch between its forward and its backward pass. */
type Held =
  | { kind: 'everything'; saved: readonly CellSaved[]; draws: readonly string[] }
  | { kind: 'inputs'; input: Tensor; skips: Skips; draws: readonly string[] };

/** Weight gradients that a stage owes for a micro-batch, after its input gradient has gone. */
type Owed =
  | { kind: 'layers'; index: number; held: readonly HeldLayer[] }
  /** The network's first cell: nobody reads its input's gradient, so all of its backward pass can wait. */
  | { kind: 'cell'; index: number; cell: Cell; saved: CellSaved; gradient: Tensor; stash: Tensor | undefined };

/**
 * The cells of one stage and the micro-batches that are in flight through them.
 *
 * Under recomputation only the stage's inputs are held (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016):
 * the backward pass runs the forward pass once more and then goes back through it.
 */
export class Stage {
  readonly #options: StageOptions;
  readonly #held = new Map<number, Held>();
  readonly #owed = new Map<number, { pass: Pass; owed: Owed[] }>();

  constructor(options: StageOptions) {
    this.#options = options;
  }

  get cells(): readonly Cell[] {
    return this.#options.cells;
  }

  /** Whether this micro-batch keeps its inputs alone (torchgpipe: `except_last` spares the last one, whose backward comes next). */
  #recomputes(microBatch: number, microBatches: number): boolean {
    const { recompute } = this.#options;
    return recompute === 'always' || (recompute === 'except_last' && microBatch < microBatches - 1);
  }

  #pass(mode: Pass['mode'], draws: readonly string[], options: { keep: boolean; recomputing: boolean }): Pass {
    const { engine, parameters, batchNorm } = this.#options;
    return { engine, parameters, mode, batchNorm, draws, ...options };
  }

  /** Takes over `input` and `skips`; the caller owns the output and the stashed skips that leave the stage. */
  forward(
    microBatch: number,
    microBatches: number,
    input: Tensor,
    skips: Skips,
    draws: readonly string[],
    check?: CellCheck,
  ): { output: Tensor; stashes: Skips } {
    const recomputes = this.#recomputes(microBatch, microBatches);
    const { engine, cells } = this.#options;
    if (recomputes) {
      // A skip that is only threaded through this stage is none of its inputs.
      const popped = cells.flatMap(({ pop }) => (pop !== undefined && skips.has(pop) ? [pop] : []));
      const held = new Map(popped.map((name) => [name, engine.share(skips.get(name)!)]));
      this.#held.set(microBatch, { kind: 'inputs', input: engine.share(input), skips: held, draws });
    }
    const pass = this.#pass('train', draws, { keep: !recomputes, recomputing: false });
    const { output, stashes, saved } = forwardChain(pass, cells, { input, incoming: skips, ...watchOf(check) });
    if (!recomputes) this.#held.set(microBatch, { kind: 'everything', saved, draws });
    return { output, stashes };
  }

  /** A forward pass in evaluation mode, of which nothing is held. Takes over its arguments. */
  evaluate(input: Tensor, skips: Skips, check?: CellCheck): { output: Tensor; stashes: Skips } {
    const pass = this.#pass('evaluate', [], { keep: false, recomputing: false });
    const { output, stashes } = forwardChain(pass, this.#options.cells, { input, incoming: skips, ...watchOf(check) });
    return { output, stashes };
  }

  /**
   * Adds the gradients of the parameters to the store. Takes over its arguments; the caller owns what it returns: the
   * input's gradient (none for the first stage) and those of the skips that came from other stages.
   */
  backward(
    microBatch: number,
    outputGradient: Tensor,
    stashGradients: Skips,
    check?: CellCheck,
  ): { input: Tensor | undefined; skips: Skips } {
    const { pass, saved } = this.#restore(microBatch);
    const gradients = { gradient: outputGradient, stashGradients };
    const step: CellStep = (cell, cellSaved, gradient, stash, index) =>
      backwardCell(pass, cell, cellSaved, gradient, stash, { needInput: this.#needsInput(index) });
    return backwardChain(this.#options.cells, saved, gradients, checked(step, check));
  }

  /** The first half of `backward`: the input's gradient alone. What it leaves waits for `backwardWeights`. */
  backwardInput(
    microBatch: number,
    outputGradient: Tensor,
    stashGradients: Skips,
    check?: CellCheck,
  ): { input: Tensor | undefined; skips: Skips } {
    const { pass, saved } = this.#restore(microBatch);
    const owed: Owed[] = [];
    this.#owed.set(microBatch, { pass, owed });
    const gradients = { gradient: outputGradient, stashGradients };
    const step: CellStep = (cell, cellSaved, gradient, stash, index) => {
      if (!this.#needsInput(index)) {
        owed.push({ kind: 'cell', index, cell, saved: cellSaved, gradient, stash });
        return { input: undefined };
      }
      const { held, ...back } = backwardCellInput(pass, cell, cellSaved, gradient, stash);
      owed.push({ kind: 'layers', index, held });
      return back;
    };
    return backwardChain(this.#options.cells, saved, gradients, checked(step, check));
  }

  /** The second half: adds the gradients of the parameters to the store. */
  backwardWeights(microBatch: number, check?: CellCheck): void {
    const waiting = this.#owed.get(microBatch);
    if (!waiting)
      throw new Error(`weights of micro-batch ${microBatch} without an input gradient: the schedule was not validated`);
    this.#owed.delete(microBatch);
    for (const owed of waiting.owed) {
      if (owed.kind === 'layers') backwardCellWeights(waiting.pass, owed.held);
      else backwardCell(waiting.pass, owed.cell, owed.saved, owed.gradient, owed.stash, { needInput: false });
      check?.backward(owed.index, {});
    }
  }

  /** All that the backward pass of a micro-batch reads, which is no longer held here. */
  #restore(microBatch: number): { pass: Pass; saved: readonly CellSaved[] } {
    const held = this.#held.get(microBatch);
    if (!held)
      throw new Error(`backward of micro-batch ${microBatch} without a forward: the schedule was not validated`);
    this.#held.delete(microBatch);
    const pass = this.#pass('train', held.draws, { keep: true, recomputing: true });
    if (held.kind === 'everything') return { pass, saved: held.saved };
    const again = forwardChain(pass, this.#options.cells, { input: held.input, incoming: held.skips });
    again.output.dispose();
    for (const skip of again.stashes.values()) skip.dispose();
    return { pass, saved: again.saved };
  }

  #needsInput(cell: number): boolean {
    return !(this.#options.first && cell === 0);
  }

  /** Lets go of every micro-batch in flight. */
  dispose(): void {
    for (const held of this.#held.values()) {
      if (held.kind === 'everything') held.saved.forEach(disposeCellSaved);
      else [held.input, ...held.skips.values()].forEach((tensor) => tensor.dispose());
    }
    this.#held.clear();
    for (const { owed } of this.#owed.values()) owed.forEach(disposeOwed);
    this.#owed.clear();
  }
}

const watchOf = (check: CellCheck | undefined): { watch?: Watch } =>
  check
    ? {
        watch: (cell, work) => {
          const output = work();
          if (output) check.forward(cell, output);
        },
      }
    : {};

const checked = (step: CellStep, check: CellCheck | undefined): CellStep =>
  check
    ? (cell, saved, gradient, stash, index) => {
        const back = step(cell, saved, gradient, stash, index);
        check.backward(index, back);
        return back;
      }
    : step;

function disposeOwed(owed: Owed): void {
  if (owed.kind === 'layers') {
    disposeHeld(owed.held);
    return;
  }
  disposeCellSaved(owed.saved);
  owed.gradient.dispose();
  owed.stash?.dispose();
}
