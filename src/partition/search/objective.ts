import type { CellRange } from '../partition.ts';
import type { Cluster, SkipLoad, Workload } from './workload.ts';

/*
 * What a partition and a placement are worth. For every worker and micro-batch:
 *
 *     load = Σ times of its cells / speed
 *          + Σ over the cuts between it and another worker: the exchange of the cell's output
 *          + Σ over skips: by portal, the exchange between the worker that stashes and the one that pops;
 *            threaded, one exchange a cut between their stages, unless both sides of the cut are one worker
 *     memory = Σ over its stages (fixed + live micro-batches · held) + the largest working
 *
 * The worth is the largest load; of the routes of skips, those that make it least.
 */

/** Cells → stages → workers. */
export interface StageAssignment {
  readonly stages: readonly CellRange[];
  /** The worker of every stage. */
  readonly placement: readonly number[];
}

export interface Worth {
  /** Of the slowest worker. */
  readonly bottleneck: number;
  /** Of every worker of the cluster; 0 for those without a stage. */
  readonly loads: readonly number[];
  /** Skips that are cheaper through the stages between than by portal. */
  readonly threaded: readonly string[];
}

/** The loads of an assignment, with the routes of its skips chosen. */
export const worthOf = (workload: Workload, cluster: Cluster, assignment: StageAssignment): Worth => {
  const loads = cluster.workers.map(() => 0);
  const { stages, placement } = assignment;
  for (const [stage, { start, end }] of stages.entries()) {
    const worker = placement[stage] ?? 0;
    const time = workload.times.slice(start, end).reduce((sum, each) => sum + each, 0);
    loads[worker] = (loads[worker] ?? 0) + time / (cluster.workers[worker]?.speed ?? 1);
    if (stage > 0) add(loads, hop(cluster, placement, stage - 1, stage, workload.outputs[start - 1] ?? 0));
  }
  return chooseRoutes(
    loads,
    workload.skips.flatMap((skip) => routesOfSkip(skip, cluster, assignment)),
  );
};

/** Bytes that each worker needs, under so many live micro-batches of each stage. */
export const memoryOf = (
  workload: Workload,
  workers: number,
  { stages, placement }: StageAssignment,
  live: readonly number[],
): number[] => {
  const base = Array.from({ length: workers }, () => 0);
  const working = [...base];
  for (const [stage, { start, end }] of stages.entries()) {
    const worker = placement[stage] ?? 0;
    const memory = workload.memory(start, end);
    base[worker] = (base[worker] ?? 0) + memory.fixed + (live[stage] ?? 0) * memory.held;
    working[worker] = Math.max(working[worker] ?? 0, memory.working);
  }
  return base.map((bytes, worker) => bytes + (working[worker] ?? 0));
};

/** What is added to workers' loads: pairs of worker and time. */
type Additions = readonly (readonly [worker: number, time: number])[];

interface SkipRoutes {
  readonly name: string;
  readonly portal: Additions;
  readonly threaded: Additions;
}

const hop = (cluster: Cluster, placement: readonly number[], from: number, to: number, bytes: number): Additions => {
  const [here = 0, there = 0] = [placement[from], placement[to]];
  if (here === there) return [];
  return [
    [here, cluster.exchange(here, there, bytes)],
    [there, cluster.exchange(there, here, bytes)],
  ];
};

const add = (loads: number[], additions: Additions): void => {
  for (const [worker, time] of additions) loads[worker] = (loads[worker] ?? 0) + time;
};

const routesOfSkip = (skip: SkipLoad, cluster: Cluster, { stages, placement }: StageAssignment): SkipRoutes[] => {
  const stageOf = (cell: number): number => stages.findIndex(({ start, end }) => start <= cell && cell < end);
  const [from, to] = [stageOf(skip.stash), stageOf(skip.pop)];
  const portal = hop(cluster, placement, from, to, skip.bytes);
  if (portal.length === 0) return [];
  const threaded = Array.from({ length: to - from }, (_, index) =>
    hop(cluster, placement, from + index, from + index + 1, skip.bytes),
  ).flat();
  return [{ name: skip.name, portal, threaded }];
};

/** Branch and bound over portal or threaded, skip by skip; portals win ties. */
const chooseRoutes = (base: readonly number[], skips: readonly SkipRoutes[]): Worth => {
  let best: Worth = { bottleneck: Infinity, loads: base, threaded: [] };
  const visit = (index: number, loads: readonly number[], threaded: readonly string[]): void => {
    const bottleneck = Math.max(...loads);
    if (bottleneck >= best.bottleneck) return;
    const skip = skips[index];
    if (!skip) {
      best = { bottleneck, loads, threaded };
      return;
    }
    visit(index + 1, withAdditions(loads, skip.portal), threaded);
    if (!costsAtLeast(skip.threaded, skip.portal))
      visit(index + 1, withAdditions(loads, skip.threaded), [...threaded, skip.name]);
  };
  visit(0, base, []);
  return best;
};

const withAdditions = (loads: readonly number[], additions: Additions): number[] => {
  const sums = [...loads];
  add(sums, additions);
  return sums;
};

/** Whether one route adds no less than another on every worker of the other: then it is never the better one. */
const costsAtLeast = (route: Additions, other: Additions): boolean => {
  const of = (worker: number, additions: Additions): number =>
    additions.reduce((sum, [each, time]) => sum + (each === worker ? time : 0), 0);
  return other.every(([worker]) => of(worker, route) >= of(worker, other));
};
