import type { Family, Layout } from './family.ts';
import { layoutOf } from './family.ts';
import { leastBottleneck, sameLoad } from './bottleneck.ts';
import { neighbours } from './neighbours.ts';
import { memoryOf, worthOf } from './objective.ts';
import type { StageAssignment, Worth } from './objective.ts';
import { searchUnevenLinks } from './unevenLinks.ts';
import { tablesOf } from './tables.ts';
import type { Tables } from './tables.ts';
import { twinsOf } from './twins.ts';
import type { Reached } from './reach.ts';
import type { Cluster, Workload } from './workload.ts';

export interface AssignmentRequest {
  readonly workload: Workload;
  readonly cluster: Cluster;
  readonly family: Family;
  /** How many of the cluster's workers to use, each with a stage at least. */
  readonly slots: number;
  /** Of interleaved stages; the other families have one and two. */
  readonly stagesPerWorker: number;
  /** Micro-batches of each stage that are alive at once at most, as the schedule has it. */
  readonly live: readonly number[];
  /** Ranges that the search may try before it ends with the best so far. */
  readonly effort?: number;
}

export interface Assignment extends StageAssignment, Worth {
  readonly layout: Layout;
  /** Bytes of every worker. */
  readonly memory: readonly number[];
  /** No assignment has a smaller bottleneck than this. */
  readonly bound: number;
  /** Whether that was proved to be the one found. */
  readonly proved: boolean;
}

/** A search that ended before it had found anything, and before it was clear that there is nothing. */
export class SearchEffortError extends Error {
  override readonly name = 'SearchEffortError';
  readonly effort: number;

  constructor(effort: number) {
    super(
      `no assignment that fits was found in ${effort} tries, and none was ruled out; allow more, or fewer kinds of workers`,
    );
    this.effort = effort;
  }
}

const defaultEffort = 1e8;
/** Better neighbours that are followed at most. */
const descents = 200;

/**
 * Cells → stages → workers: the assignment whose slowest worker is as fast as can be, its communication counted, under every
 * worker's memory limit. Undefined where nothing fits. Throws a SearchEffortError where the effort ends before anything was found.
 *
 * Exact in this objective where the links of a worker are alike (reach.ts) or the instance is small (unevenLinks.ts); where
 * the effort ends before the proof, `proved` says so and `bound` how far off it could be.
 */
export const assignCells = (request: AssignmentRequest): Assignment | undefined => {
  const { workload, cluster, family, slots, stagesPerWorker, live } = request;
  const layout = layoutOf(family, slots, stagesPerWorker, workload.times.length);
  const tables = tablesOf(workload, cluster);
  const effort = { left: request.effort ?? defaultEffort };
  const { found, bound } = leastBottleneck({ tables, layout, live }, effort);
  if (!found && effort.left < 0) throw new SearchEffortError(request.effort ?? defaultEffort);
  if (!found) return undefined;
  const first = complete(request, layout, placed(found, layout, tables), bound);
  if (tables.evenLinks || first.proved) return first;
  const climbed = descend(first, layout, request);
  const known = worthOf(workload, cluster, climbed).bottleneck;
  const { better, complete: all } = searchUnevenLinks({ workload, cluster, layout, live }, known, effort);
  const best = complete(request, layout, better ?? climbed, bound);
  return all ? { ...best, bound: best.bottleneck, proved: true } : best;
};

/** The first neighbour that is better, until none is. */
const descend = (start: StageAssignment, layout: Layout, request: AssignmentRequest): StageAssignment => {
  const { workload, cluster, live } = request;
  const worth = (assignment: StageAssignment): number => {
    const memory = memoryOf(workload, cluster.workers.length, assignment, live);
    return memory.some((bytes, worker) => bytes > cluster.workers[worker]!.memory)
      ? Infinity
      : worthOf(workload, cluster, assignment).bottleneck;
  };
  const twins = twinsOf(cluster);
  let [best, least] = [start, worth(start)];
  for (let left = descents; left > 0; left -= 1) {
    const before = least;
    for (const assignment of neighbours(best, layout, twins)) {
      const value = worth(assignment);
      if (value >= least * (1 - sameLoad)) continue;
      [best, least] = [assignment, value];
      break;
    }
    if (least === before) return best;
  }
  return best;
};

/** Workers of each kind in the order of their numbers. */
const placed = ({ stages, kinds }: Reached, { slotOfStage }: Layout, tables: Tables): StageAssignment => {
  const taken = tables.kinds.map(() => 0);
  const workers = kinds.map((kind) => tables.kinds[kind]!.workers[taken[kind]!++]!);
  return { stages, placement: slotOfStage.map((slot) => workers[slot]!) };
};

const complete = (
  { workload, cluster, live }: AssignmentRequest,
  layout: Layout,
  assignment: StageAssignment,
  bound: number,
): Assignment => {
  const worth = worthOf(workload, cluster, assignment);
  const memory = memoryOf(workload, cluster.workers.length, assignment, live);
  return { ...assignment, ...worth, layout, memory, bound, proved: worth.bottleneck <= bound * (1 + 1e-9) };
};
