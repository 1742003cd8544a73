import { RandomStream } from '../../random/stream.ts';
import { neighbours, placementOfRow, stagesFrom } from '../search/neighbours.ts';
import type { Layout } from '../search/family.ts';
import type { StageAssignment } from '../search/objective.ts';
import { firstOfTwins } from '../search/twins.ts';
import { climb, judged } from './climb.ts';
import type { Freedom, Judged, Patience } from './climb.ts';
import { isBetter } from './judge.ts';
import type { Judge } from './judge.ts';

export interface Refinement extends Freedom {
  /** Whether every assignment is judged where the patience suffices for that. */
  readonly tryAll: boolean;
  /** How often the best is shaken and climbed from again. */
  readonly shakes: number;
}

/** The best assignment by the simulator's judgement: of all, where they are few; else by climbing from many starts. */
export const refine = (
  judge: Judge,
  starts: readonly StageAssignment[],
  { tryAll, shakes, cuts }: Refinement,
  patience: Patience,
): Judged | undefined => {
  const { layout, setting } = judge;
  const cells = setting.cost.cells.length;
  if (tryAll && cuts && countAssignments(cells, layout, setting.machine.workers.length) <= patience.left)
    return bestOf(everyAssignment(cells, layout, judge.twins), judge);
  const climbed = starts.map((start) => climb(judge, start, { cuts }, patience));
  let best = leastOf(climbed);
  const random = new RandomStream('partition.refine');
  for (let shake = 0; shake < shakes && patience.left > 0; shake += 1) {
    if (!best) break;
    // Now near, now far: valleys are beside the best as well as elsewhere.
    const steps = shake % 3 === 2 ? 12 : 2 + random.integer(3);
    const start = shaken(best.assignment, judge, { cuts }, steps, random);
    best = leastOf([best, climb(judge, start, { cuts }, patience)]);
  }
  return best;
};

const leastOf = (all: readonly Judged[]): Judged | undefined =>
  all.reduce<Judged | undefined>(
    (best, other) => (best && !isBetter(other.verdict, best.verdict) ? best : other),
    undefined,
  );

const bestOf = (assignments: Iterable<StageAssignment>, judge: Judge): Judged | undefined => {
  let best: Judged | undefined;
  for (const assignment of assignments) {
    const other = judged(judge, assignment);
    if (!best || isBetter(other.verdict, best.verdict)) best = other;
  }
  return best;
};

/** Some random neighbours away. */
const shaken = (
  start: StageAssignment,
  judge: Judge,
  { cuts }: Freedom,
  steps: number,
  random: RandomStream,
): StageAssignment => {
  let assignment = start;
  for (let step = 0; step < steps; step += 1) {
    const all = [...neighbours(assignment, judge.layout, judge.twins)];
    const allowed = all.filter(({ stages }) => cuts || stages === assignment.stages);
    if (allowed.length > 0) assignment = allowed[random.integer(allowed.length)]!;
  }
  return assignment;
};

/** Partitions times ordered choices of workers. */
const countAssignments = (cells: number, { slotOfStage, slots }: Layout, workers: number): number => {
  let count = 1;
  for (let cut = 1; cut < slotOfStage.length; cut += 1) count *= (cells - cut) / cut;
  for (let slot = 0; slot < slots; slot += 1) count *= workers - slot;
  return Math.round(count);
};

function* everyAssignment(cells: number, layout: Layout, twins: readonly number[]): Generator<StageAssignment> {
  for (const row of everyRow(layout.slots, twins)) {
    const placement = placementOfRow(layout, row);
    for (const starts of everyStarts(cells, layout.slotOfStage.length))
      yield { stages: stagesFrom(starts, cells), placement };
  }
}

function* everyRow(slots: number, twins: readonly number[], row: readonly number[] = []): Generator<readonly number[]> {
  if (row.length === slots) yield row;
  else {
    const idle = [...twins.keys()].filter((worker) => !row.includes(worker));
    for (const worker of firstOfTwins(idle, twins)) yield* everyRow(slots, twins, [...row, worker]);
  }
}

function* everyStarts(cells: number, stages: number, starts: readonly number[] = [0]): Generator<readonly number[]> {
  if (starts.length === stages) yield starts;
  else
    for (let start = starts.at(-1)! + 1; start <= cells - (stages - starts.length); start += 1)
      yield* everyStarts(cells, stages, [...starts, start]);
}
