import { balanceCells } from '../balance.ts';
import type { Partition } from '../partition.ts';

/** Stages with as even a number of parameters as can be, whatever they compute: DeepSpeed's partition by `parameters`. */
export const equalParameters = (cells: readonly { readonly parameters: number }[], stages: number): Partition =>
  balanceCells(
    cells.map(({ parameters }) => parameters),
    stages,
  );
