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
  type CellSaved,
} from '../models/runCell.ts';
import { backwardChain, forwardChain, type Skips } from './cellChain.ts';
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

/** What a stage holds for a micro-batch between its forward and its backward pass. */
type Held =
  | { kind: 'everything'; saved: readonly CellSaved[]; draws: readonly string[] }
  | { kind: 'inputs'; input: Tensor; skips: Skips; draws: readonly string[] };

/** Weight gradients that a stage owes for a micro-batch, after its input gradient has gone. */
type Owed =
  | { kind: 'layers'; held: readonly HeldLayer[] }
  /** The network's first cell: nobody reads its input's gradient, so all of its backward pass can wait. */
  | { kind: 'cell'; cell: Cell; saved: CellSaved; gradient: Tensor; stash: Tensor | undefined };

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
    const { output, stashes, saved } = forwardChain(pass, cells, { input, incoming: skips });
    if (!recomputes) this.#held.set(microBatch, { kind: 'everything', saved, draws });
    return { output, stashes };
  }

  /** A forward pass in evaluation mode, of which nothing is held. Takes over its arguments. */
  evaluate(input: Tensor, skips: Skips): { output: Tensor; stashes: Skips } {
    const pass = this.#pass('evaluate', [], { keep: false, recomputing: false });
    const { output, stashes } = forwardChain(pass, this.#options.cells, { input, incoming: skips });
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
  ): { input: Tensor | undefined; skips: Skips } {
    const { pass, saved } = this.#restore(microBatch);
    const gradients = { gradient: outputGradient, stashGradients };
    return backwardChain(this.#options.cells, saved, gradients, (cell, cellSaved, gradient, stash, index) =>
      backwardCell(pass, cell, cellSaved, gradient, stash, { needInput: this.#needsInput(index) }),
    );
  }

  /** The first half of `backward`: the input's gradient alone. What it leaves waits for `backwardWeights`. */
  backwardInput(
    microBatch: number,
    outputGradient: Tensor,
    stashGradients: Skips,
  ): { input: Tensor | undefined; skips: Skips } {
    const { pass, saved } = this.#restore(microBatch);
    const owed: Owed[] = [];
    this.#owed.set(microBatch, { pass, owed });
    const gradients = { gradient: outputGradient, stashGradients };
    return backwardChain(this.#options.cells, saved, gradients, (cell, cellSaved, gradient, stash, index) => {
      if (!this.#needsInput(index)) {
        owed.push({ kind: 'cell', cell, saved: cellSaved, gradient, stash });
        return { input: undefined };
      }
      const { held, ...back } = backwardCellInput(pass, cell, cellSaved, gradient, stash);
      owed.push({ kind: 'layers', held });
      return back;
    });
  }

  /** The second half: adds the gradients of the parameters to the store. */
  backwardWeights(microBatch: number): void {
    const waiting = this.#owed.get(microBatch);
    if (!waiting)
      throw new Error(`weights of micro-batch ${microBatch} without an input gradient: the schedule was not validated`);
    this.#owed.delete(microBatch);
    for (const owed of waiting.owed) {
      if (owed.kind === 'layers') backwardCellWeights(waiting.pass, owed.held);
      else backwardCell(waiting.pass, owed.cell, owed.saved, owed.gradient, owed.stash, { needInput: false });
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

function disposeOwed(owed: Owed): void {
  if (owed.kind === 'layers') {
    disposeHeld(owed.held);
    return;
  }
  disposeCellSaved(owed.saved);
  owed.gradient.dispose();
  owed.stash?.dispose();
}
