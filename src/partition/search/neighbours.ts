import type { CellRange } from '../partition.ts';
import type { Layout } from './family.ts';
import type { StageAssignment } from './objective.ts';
import { firstOfTwins } from './twins.ts';

/** Worker of every slot of a layout. */
export const rowOf = ({ slots, slotOfStage }: Layout, { placement }: StageAssignment): number[] =>
  Array.from({ length: slots }, (_, slot) => placement[slotOfStage.indexOf(slot)]!);

/** The same the other way. */
export const placementOfRow = ({ slotOfStage }: Layout, row: readonly number[]): number[] =>
  slotOfStage.map((slot) => row[slot]!);

/** Stages from the cells that they start with. */
export const stagesFrom = (starts: readonly number[], cells: number): CellRange[] =>
  starts.map((start, stage) => ({ start, end: starts[stage + 1] ?? cells }));

/**
 * What lies around an assignment: one cut moved by one or two cells, two neighbouring cuts moved together, two workers
 * exchanged, a worker replaced by one that has nothing to do. `twins` names for each worker the first of those that it may
 * stand for (see twins.ts): to exchange these would change nothing.
 */
export function* neighbours(
  assignment: StageAssignment,
  layout: Layout,
  twins: readonly number[],
): Generator<StageAssignment> {
  const { stages, placement } = assignment;
  const cells = stages.at(-1)!.end;
  const starts = stages.map(({ start }) => start);
  for (const moved of movedCuts(starts, cells)) yield { stages: stagesFrom(moved, cells), placement };
  for (const row of changedRows(rowOf(layout, assignment), twins))
    yield { stages, placement: placementOfRow(layout, row) };
}

const steps = [-1, 1, -2, 2];

function* movedCuts(starts: readonly number[], cells: number): Generator<number[]> {
  const legal = (moved: readonly number[]): boolean =>
    moved.every((start, stage) => start < (moved[stage + 1] ?? cells)) && moved[0] === 0;
  for (let stage = 1; stage < starts.length; stage += 1)
    for (const step of steps)
      for (const together of [1, 2]) {
        const moved = starts.map((start, each) => (each >= stage && each < stage + together ? start + step : start));
        if (stage + together <= starts.length && legal(moved)) yield moved;
      }
}

function* changedRows(row: readonly number[], twins: readonly number[]): Generator<number[]> {
  for (let a = 0; a < row.length; a += 1)
    for (let b = a + 1; b < row.length; b += 1)
      if (twins[row[a]!] !== twins[row[b]!])
        yield row.map((worker, slot) => (slot === a ? row[b]! : slot === b ? row[a]! : worker));
  const idle = firstOfTwins(
    [...twins.keys()].filter((worker) => !row.includes(worker)),
    twins,
  );
  for (let slot = 0; slot < row.length; slot += 1)
    for (const worker of idle) if (twins[row[slot]!] !== twins[worker]) yield row.with(slot, worker);
}
