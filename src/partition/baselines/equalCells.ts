import { evenBalance, partitionOf } from '../partition.ts';
import type { Partition } from '../partition.ts';

/** As many cells on every stage, the simplest of cuts; the larger stages first. */
export const equalCells = (cells: number, stages: number): Partition => partitionOf(evenBalance(cells, stages), cells);
