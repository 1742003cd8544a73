/** Consecutive cells, from `start` up to but without `end`. */
export interface CellRange {
  readonly start: number;
  readonly end: number;
}

/** Cells → stages: every cell in one stage, stages in the order of the cells, none of them empty. */
export interface Partition {
  readonly stages: readonly CellRange[];
}

/** What is wrong with a balance, and what would be right. */
export interface BalanceFault {
  readonly problem: string;
  readonly remedy: string;
}

/** A list of stage sizes that does not fit the model's cells. */
export class BalanceError extends RangeError {
  override readonly name = 'BalanceError';
  readonly balance: readonly number[];
  readonly cells: number;

  constructor(balance: readonly number[], cells: number, { problem, remedy }: BalanceFault) {
    super(`the balance ${problem}; ${remedy}`);
    this.balance = balance;
    this.cells = cells;
  }
}

/** Nothing, where a balance fits. */
export const balanceFault = (balance: readonly number[], cells: number): BalanceFault | undefined => {
  const example = evenBalance(cells, Math.max(1, Math.min(balance.length, cells)));
  const remedy = `give one entry a stage that add up to ${cells}, such as [${example.join(', ')}], or no balance: then it is computed from the costs`;
  const written = `[${balance.join(', ')}]`;
  if (balance.length === 0) return { problem: 'is empty', remedy };
  const strange = balance.find((size) => !Number.isInteger(size) || size < 1);
  if (strange !== undefined)
    return {
      problem: `${written} has the entry ${strange}, but every stage holds a whole number of cells, at least 1`,
      remedy,
    };
  const sum = balance.reduce((total, size) => total + size, 0);
  if (sum !== cells) return { problem: `${written} adds up to ${sum} cells, but the model has ${cells}`, remedy };
  return undefined;
};

/** The number of cells of each stage where they are shared out evenly, the larger ones first. */
export const evenBalance = (cells: number, stages: number): number[] =>
  Array.from({ length: stages }, (_, stage) => Math.floor(cells / stages) + (stage < cells % stages ? 1 : 0));

/** The partition with so many cells in each stage; throws a BalanceError where they are not the model's. */
export const partitionOf = (balance: readonly number[], cells: number): Partition => {
  const fault = balanceFault(balance, cells);
  if (fault) throw new BalanceError(balance, cells, fault);
  let start = 0;
  const stages = balance.map((size) => {
    const range = { start, end: start + size };
    start = range.end;
    return range;
  });
  return { stages };
};

/** The number of cells of every stage. */
export const balanceOf = ({ stages }: Partition): number[] => stages.map(({ start, end }) => end - start);

/** The stage of every cell. */
export const stagesOfCells = ({ stages }: Partition): number[] =>
  stages.flatMap(({ start, end }, stage) => Array.from({ length: end - start }, () => stage));

/** The cost of every stage: the sum of its cells'. */
export const stageCosts = ({ stages }: Partition, costs: readonly number[]): number[] =>
  stages.map(({ start, end }) => costs.slice(start, end).reduce((sum, cost) => sum + cost, 0));

/**
 * A line a stage for people to read; costs in milliseconds.
 *
 *     stage 0  cells  0–11 (12)  stem … encoder.2.conv     104.2 ms  49%
 */
export const describePartition = (
  partition: Partition,
  cells: readonly { readonly name: string }[],
  costs: readonly number[],
): string[] => {
  const perStage = stageCosts(partition, costs);
  const total = perStage.reduce((sum, cost) => sum + cost, 0);
  const rows = partition.stages.map(({ start, end }, stage) => {
    const cost = perStage[stage] ?? 0;
    const names = end - start === 1 ? cells[start]?.name : `${cells[start]?.name} … ${cells[end - 1]?.name}`;
    const share = total > 0 ? Math.round((100 * cost) / total) : 0;
    return [
      `stage ${stage}`,
      `cells ${start}–${end - 1} (${end - start})`,
      `${names}`,
      `${cost.toFixed(1)} ms`,
      `${share}%`,
    ];
  });
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row.map((text, column) => (column < 3 ? text.padEnd(width(column)) : text.padStart(width(column)))).join('  '),
  );
};
