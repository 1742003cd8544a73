import type { Engine } from '../../src/engine/engine.ts';
import type { Tensor } from '../../src/engine/tensor.ts';
import type { Pass } from '../../src/layers/layer.ts';
import { backwardCell, disposeCellSaved, forwardCell, type CellSaved } from '../../src/models/runCell.ts';
import type { Cell } from '../../src/models/cell.ts';

/** All cells in one process, one after the other: what a pipeline is compared with. `input` stays the caller's. */
export function forwardCells(
  pass: Pass,
  cells: readonly Cell[],
  input: Tensor,
): { output: Tensor; saved: CellSaved[] } {
  const stashes = new Map<string, Tensor>();
  const saved: CellSaved[] = [];
  let x = pass.engine.share(input);
  for (const cell of cells) {
    const skip = cell.pop === undefined ? undefined : stashes.get(cell.pop)!;
    const forward = forwardCell(pass, cell, x, skip);
    x.dispose();
    skip?.dispose();
    x = forward.output;
    saved.push(forward.saved);
    if (forward.stash) stashes.set(cell.stash!, forward.stash);
  }
  return { output: x, saved };
}

/** Adds the gradients of all parameters to the store. Takes `saved` and the gradient over. */
export function backwardCells(pass: Pass, cells: readonly Cell[], saved: readonly CellSaved[], gradient: Tensor): void {
  const skips = new Map<string, Tensor>();
  let dy: Tensor | undefined = gradient;
  for (let index = cells.length - 1; index >= 0; index--) {
    const cell = cells[index]!;
    const stash = cell.stash === undefined ? undefined : skips.get(cell.stash);
    const back = backwardCell(pass, cell, saved[index]!, dy!, stash, { needInput: index > 0 });
    if (back.skip) skips.set(cell.pop!, back.skip);
    dy = back.input;
  }
  dy?.dispose();
}

/** A forward pass in evaluation mode; the caller owns what it returns. */
export function evaluateCells(
  pass: Omit<Pass, 'mode' | 'keep'>,
  cells: readonly Cell[],
  input: Tensor,
  engine: Engine,
): Tensor {
  const { output, saved } = forwardCells({ ...pass, engine, mode: 'evaluate', keep: false }, cells, input);
  saved.forEach(disposeCellSaved);
  return output;
}
