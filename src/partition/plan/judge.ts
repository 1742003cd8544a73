import type { Schedule } from '../../pipeline/action.ts';
import { leastQueueCapacity } from '../../pipeline/boundedRun.ts';
import type { StageDurations } from '../../pipeline/durations.ts';
import { linkKey } from '../../pipeline/messages.ts';
import { memoryUse } from '../../pipeline/memoryUse.ts';
import { routesOf } from '../../pipeline/routes.ts';
import type { Routes } from '../../pipeline/routes.ts';
import { schedules } from '../../pipeline/schedules.ts';
import { simulate, simulatedStep } from '../../pipeline/simulator.ts';
import type { Simulation, SimulationRequest } from '../../pipeline/simulator.ts';
import { linkBetween } from '../../pipeline/stageCost.ts';
import type { Machine, StageCost } from '../../pipeline/stageCost.ts';
import { StuckScheduleError } from '../../pipeline/timedRun.ts';
import { messageBytesOf, stageCostOf } from '../modelCost.ts';
import type { CellRange } from '../partition.ts';
import type { Layout } from '../search/family.ts';
import { rowOf } from '../search/neighbours.ts';
import { worthOf, type StageAssignment } from '../search/objective.ts';
import { twinsIn } from '../search/twins.ts';
import type { Cluster, Workload } from '../search/workload.ts';
import { clusterOf, layoutOfSetting, splitsBackward, workloadOf } from './setting.ts';
import type { Setting } from './setting.ts';

/** What the simulator says of an assignment. */
export interface Verdict {
  /** Milliseconds. */
  readonly step: number;
  /** Bytes beyond the limits, over all workers; 0 where it fits. */
  readonly excess: number;
  /** Skips that go through every stage between, as that is better than the direct way. */
  readonly threaded: readonly string[];
}

/** Better comes first: what fits before what does not, then the shorter step; else the smaller excess. */
export const isBetter = (one: Omit<Verdict, 'threaded'>, other: Omit<Verdict, 'threaded'>): boolean =>
  one.excess !== other.excess ? one.excess < other.excess : one.step < other.step * (1 - 1e-12);

/** Messages that a link holds, as a run allots them: two, or more where the schedule would not end. */
const leastCapacity = 2;

/** Simulates the assignments of a setting, and remembers what they have in common. */
export class Judge {
  readonly setting: Setting;
  readonly layout: Layout;
  /** For each worker of the machine the first that it may stand for. */
  readonly twins: readonly number[];
  readonly #stages = new Map<string, StageCost>();
  readonly #routes = new Map<string, Routes>();
  readonly #workload: Workload;
  readonly #cluster: Cluster;
  readonly #machines = new Map<string, Machine>();
  readonly #capacities = new Map<Routes, number>();
  readonly #verdicts = new Map<string, Verdict>();
  readonly #limited: boolean;
  #plain: Schedule | undefined;

  constructor(setting: Setting) {
    this.setting = setting;
    this.layout = layoutOfSetting(setting);
    this.twins = twinsOnMachine(setting.machine);
    this.#workload = workloadOf(setting);
    this.#cluster = clusterOf(setting.machine, 'full');
    this.#limited = setting.machine.workers.some(({ memory }) => memory < Infinity);
  }

  /** Actions of a step: what a verdict costs. */
  get actions(): number {
    return this.layout.slotOfStage.length * this.setting.microBatches * (splitsBackward(this.setting.schedule) ? 3 : 2);
  }

  verdict(assignment: StageAssignment): Verdict {
    const key = keyOf(assignment);
    const known = this.#verdicts.get(key);
    if (known) return known;
    const [first, ...others] = this.#waysOfSkips(assignment).map((threaded) => this.#judge(assignment, threaded));
    const verdict = others.reduce((best, other) => (isBetter(other, best) ? other : best), first!);
    this.#verdicts.set(key, verdict);
    return verdict;
  }

  #judge(assignment: StageAssignment, threaded: readonly string[]): Verdict {
    const request = this.#requestOf(assignment, threaded);
    return { step: stepOf(request), excess: this.#limited ? this.#excess(request) : 0, threaded };
  }

  /** The sets of threaded skips that are worth a simulation. */
  #waysOfSkips(assignment: StageAssignment): (readonly string[])[] {
    const { skips } = this.setting;
    if (skips === 'portal') return [[]];
    if (skips === 'threaded') return [this.#workload.skips.map(({ name }) => name)];
    const { threaded } = worthOf(this.#workload, this.#cluster, assignment);
    return threaded.length === 0 ? [[]] : [[], threaded];
  }

  /** The whole simulation, with the schedule in which slot k of the row is worker k. */
  simulation(assignment: StageAssignment): { readonly simulation: Simulation; readonly request: SimulationRequest } {
    const request = withRoom(this.#requestOf(assignment, this.verdict(assignment).threaded));
    return { simulation: simulate(request), request };
  }

  #excess(request: SimulationRequest): number {
    return memoryUse(request).reduce(
      (sum, { peak }, worker) => sum + Math.max(0, peak - request.machine.workers[worker]!.memory),
      0,
    );
  }

  #requestOf(assignment: StageAssignment, threaded: readonly string[]): SimulationRequest {
    const { setting } = this;
    const { cost, recompute } = setting;
    const machine = this.#machineOf(rowOf(this.layout, assignment));
    const stages = assignment.stages.map((range) => this.#stageCost(range));
    const schedule = this.#scheduleOf(stages, machine);
    const routes = this.#routesOf(assignment.stages, threaded);
    const messageBytes = messageBytesOf(cost.cells, assignment);
    const queueCapacity = this.#capacityOf(routes);
    return { schedule, routes, stages, messageBytes, machine, recompute, queueCapacity };
  }

  #stageCost(range: CellRange): StageCost {
    const key = `${range.start} ${range.end}`;
    const cost = this.#stages.get(key) ?? stageCostOf(this.setting.cost, range);
    this.#stages.set(key, cost);
    return cost;
  }

  /** Where backward passes are split their order follows from the times; else it is the same for all assignments. */
  #scheduleOf(stages: readonly StageCost[], machine: Machine): Schedule {
    const { setting, layout } = this;
    const { slotOfStage: placement } = layout;
    if (!splitsBackward(setting.schedule)) return this.#plainSchedule();
    const durations = stages.map((cost, stage) => durationsOn(cost, machine, placement[stage]!, setting));
    const request = { stages: stages.length, microBatches: setting.microBatches, placement, durations };
    return schedules[setting.schedule].generate(request);
  }

  /** As if all stages took the same time. */
  #plainSchedule(): Schedule {
    const { slotOfStage: placement } = this.layout;
    const request = { stages: placement.length, microBatches: this.setting.microBatches, placement };
    return (this.#plain ??= schedules[this.setting.schedule].generate(request));
  }

  #routesOf(stages: readonly CellRange[], threaded: readonly string[]): Routes {
    const routes = routesOf(this.setting.cost.cells, { stages }, threaded);
    const key = JSON.stringify(routes.portals.filter(({ local }) => !local));
    const known = this.#routes.get(key) ?? routes;
    this.#routes.set(key, known);
    return known;
  }

  /** The machine's workers in the order of the row. */
  #machineOf(row: readonly number[]): Machine {
    const key = row.join();
    const known = this.#machines.get(key);
    if (known) return known;
    const { workers, link, links } = this.setting.machine;
    const pairs = row.flatMap((from, a) => row.map((to, b) => ({ from, to, a, b })));
    const machine = {
      workers: row.map((worker) => workers[worker]!),
      link,
      links: Object.fromEntries(
        pairs.flatMap(({ from, to, a, b }) => {
          const own = links[linkKey({ fromWorker: from, toWorker: to })];
          return own ? [[linkKey({ fromWorker: a, toWorker: b }), own]] : [];
        }),
      ),
    };
    this.#machines.set(key, machine);
    return machine;
  }

  #capacityOf(routes: Routes): number {
    const known = this.#capacities.get(routes);
    if (known !== undefined) return known;
    const least = leastQueueCapacity(this.#plainSchedule(), routes) ?? leastCapacity;
    this.#capacities.set(routes, Math.max(leastCapacity, least));
    return Math.max(leastCapacity, least);
  }
}

const twinsOnMachine = (machine: Machine): number[] => {
  const { workers } = machine;
  return twinsIn({
    workers: workers.length,
    alike: (a, b) =>
      workers[a]!.speed === workers[b]!.speed &&
      workers[a]!.memory === workers[b]!.memory &&
      workers[a]!.copyBytesPerMs === workers[b]!.copyBytesPerMs,
    ways: [
      (from, to) => linkBetween(machine, from, to).latency,
      (from, to) => linkBetween(machine, from, to).bytesPerMs,
    ],
  });
};

const keyOf = ({ stages, placement }: StageAssignment): string =>
  `${stages.map(({ start }) => start).join()}:${placement.join()}`;

/** With what is computed again, at the speed of its worker. */
export const durationsOn = (
  cost: StageCost,
  machine: Machine,
  slot: number,
  { recompute }: Pick<Setting, 'recompute'>,
): StageDurations => {
  const { speed } = machine.workers[slot]!;
  const again = recompute === 'never' ? 0 : cost.forward;
  return {
    forward: cost.forward / speed,
    backward: (again + cost.backward) / speed,
    backwardInput: (again + cost.backwardInput) / speed,
    backwardWeights: cost.backwardWeights / speed,
  };
};

const stepOf = (request: SimulationRequest): number => {
  try {
    return simulatedStep(request);
  } catch (error) {
    if (error instanceof StuckScheduleError) return simulatedStep(withRoom(request));
    throw error;
  }
};

/** Another order of the weight gradients may want longer queues than the plain schedule does. */
const withRoom = (request: SimulationRequest): SimulationRequest => {
  const least = leastQueueCapacity(request.schedule, request.routes) ?? request.queueCapacity;
  return { ...request, queueCapacity: Math.max(least, request.queueCapacity) };
};
