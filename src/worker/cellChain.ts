import type { Tensor } from '../engine/tensor.ts';
import type { Pass } from '../layers/layer.ts';
import type { Cell } from '../models/cell.ts';
import { forwardCell, type CellBackward, type CellSaved } from '../models/runCell.ts';

/** Skips by name. */
export type Skips = ReadonlyMap<string, Tensor>;

/** Runs one cell's pass, and is given what it made for the next cell, if that is anything. */
export type Watch = (cell: number, work: () => Tensor | undefined) => void;

/** The backward pass of a cell, or its first half. */
export type CellStep = (
  cell: Cell,
  saved: CellSaved,
  gradient: Tensor,
  stash: Tensor | undefined,
  index: number,
) => CellBackward<Tensor | undefined>;

const run: Watch = (_, work) => void work();

/** Forward through consecutive cells. Takes over `input` and `incoming`; skips that no cell pops go on with the stashed ones. */
export function forwardChain(
  pass: Pass,
  cells: readonly Cell[],
  { input, incoming, watch = run }: { input: Tensor; incoming: Skips; watch?: Watch },
): { output: Tensor; stashes: Skips; saved: CellSaved[] } {
  const skips = new Map(incoming);
  const saved: CellSaved[] = [];
  let x = input;
  for (const [index, cell] of cells.entries())
    watch(index, () => {
      const skip = cell.pop === undefined ? undefined : take(skips, cell.pop);
      const result = forwardCell(pass, cell, x, skip);
      x.dispose();
      skip?.dispose();
      if (cell.stash !== undefined && result.stash) skips.set(cell.stash, result.stash);
      saved.push(result.saved);
      x = result.output;
      return x;
    });
  return { output: x, stashes: skips, saved };
}

/** Back through consecutive cells, from the last to the first, each by `step`. Takes over its tensors, as `step` does. */
export function backwardChain(
  cells: readonly Cell[],
  saved: readonly CellSaved[],
  { gradient: last, stashGradients }: { gradient: Tensor; stashGradients: Skips },
  step: CellStep,
  watch = run,
): { input: Tensor | undefined; skips: Skips } {
  const gradients = new Map(stashGradients);
  let gradient: Tensor | undefined = last;
  for (const [index, cell] of [...cells.entries()].toReversed())
    watch(index, () => {
      const stash = cell.stash === undefined ? undefined : take(gradients, cell.stash);
      const back = step(cell, saved[index]!, gradient!, stash, index);
      if (cell.pop !== undefined && back.skip) gradients.set(cell.pop, back.skip);
      gradient = back.input;
      return gradient;
    });
  return { input: gradient, skips: gradients };
}

function take(skips: Map<string, Tensor>, name: string): Tensor {
  const skip = skips.get(name);
  if (!skip) throw new Error(`skip ${name} is missing: it should have been stashed before`);
  skips.delete(name);
  return skip;
}
