import type { OptimizerSpec } from '../config/runFile.ts';
import type { Shape } from '../engine/tensor.ts';
import type { Cell, Model } from '../models/cell.ts';
import { describeModel } from '../models/describe.ts';
import { cellFootprints } from '../partition/cellCost.ts';

/** A cell where it stands in the network, for one micro-batch. */
export interface CellPlace {
  readonly cell: Cell;
  readonly input: Shape;
  /** Of the skip that it pops. */
  readonly skip: Shape | undefined;
  /** False for the network's first cell: nobody reads its input's gradient, and all of its backward pass can wait. */
  readonly needInput: boolean;
}

/** @param shape (batch, …spatial, channels) of a micro-batch */
export function cellPlaces(model: Model, shape: Shape): CellPlace[] {
  const described = describeModel(model, shape);
  const skips = new Map(model.cells.map((cell, index) => [cell.stash, described[index]!.outputShape]));
  return model.cells.map((cell, index) => ({
    cell,
    input: described[index]!.inputShape,
    skip: cell.pop === undefined ? undefined : skips.get(cell.pop),
    needInput: index > 0,
  }));
}

/** Runs of consecutive cells, as long as they can be without keeping more than so many bytes; of one cell at least. */
export function windowsOf(
  model: Model,
  shape: Shape,
  { optimizer, bytes }: { optimizer: OptimizerSpec; bytes: number },
): CellPlace[][] {
  const windows: CellPlace[][] = [];
  const kept = cellFootprints(model, shape, optimizer).map(({ activationBytes }) => activationBytes);
  let left = 0;
  for (const [index, place] of cellPlaces(model, shape).entries()) {
    if (windows.length === 0 || kept[index]! > left) {
      windows.push([]);
      left = bytes;
    }
    windows.at(-1)!.push(place);
    left -= kept[index]!;
  }
  return windows;
}
