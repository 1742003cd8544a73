import type { RecomputeMode } from '../config/runFile.ts';
import { trainingScheduleNames, type TrainingScheduleName } from '../config/scheduleName.ts';
import type { Model } from '../models/cell.ts';
import { balanceCells } from '../partition/balance.ts';
import { analyticCosts, costPerMicroBatch } from '../partition/cost.ts';
import { measuredMachine } from '../partition/measured.ts';
import { durationsOn } from '../partition/plan/judge.ts';
import { planRun, type Plan } from '../partition/planner.ts';
import { partitionOf, type Partition } from '../partition/partition.ts';
import { measuredCosts, type Profile } from '../partition/profile.ts';
import type { StageDurations } from '../pipeline/durations.ts';
import { schedules, type ScheduleFamily } from '../pipeline/schedules.ts';
import { uniformMachine, type Machine } from '../pipeline/stageCost.ts';
import type { PipelineOptions } from './pipelineOptions.ts';
import { commonDevice, costsFor, sizesToMeasure } from './question.ts';
import { largestShare, oneReplica, wholeCut } from './replicas.ts';

/** How a network is laid on its workers, and in what order they work: all that was open is settled. */
export interface Layout {
  readonly partition: Partition;
  /** The worker of every stage. */
  readonly placement: readonly number[];
  readonly schedule: ScheduleFamily;
  /** What the actions of every stage take, where the order depends on it. */
  readonly durations?: readonly StageDurations[];
  readonly microBatches: number;
  readonly recompute: RecomputeMode;
  /** Skips that go through every stage between. */
  readonly threaded: readonly string[];
  /** Milliseconds of every cell, forward and backward, or something in proportion. */
  readonly cellTimes: readonly number[];
  /** Where it was planned: what is predicted of a step. */
  readonly plan?: Plan;
}

export interface LayoutRequest {
  readonly options: PipelineOptions;
  readonly model: Model;
  /** Measures, or knows already, what the cells cost in micro-batches of so many samples. */
  readonly profile: (samples: number) => Promise<Profile>;
  /** Bytes that each worker may hold. */
  readonly memory: readonly number[];
}

/** Lays a network on workers: by the planner, or where something is asked for that it does not know, by the most even cut. */
export async function layOut(request: LayoutRequest): Promise<Layout> {
  const { costs, schedule, placement } = request.options;
  const name = schedule === 'auto' ? 'auto' : nameOf(schedule);
  if (costs === 'measured' && placement === undefined && name !== undefined) return planned(request, name);
  return even(request);
}

/** The name of one of our schedules; none of a user's own. */
const nameOf = (family: ScheduleFamily): TrainingScheduleName | undefined =>
  trainingScheduleNames.find((name) => schedules[name] === family);

async function planned(
  { options, model, profile, memory }: LayoutRequest,
  schedule: TrainingScheduleName | 'auto',
): Promise<Layout> {
  const {
    workers,
    microBatches: asked,
    recompute,
    balance,
    stagesPerWorker,
    skips,
    optimizer,
    microBatchShape: shape,
  } = options;
  const { replicas = 1 } = options;
  const whole = batchSizeOf(options);
  // Replicas are laid alike: as the one is that has most to do.
  const { batchSize, microBatches } = largestShare({ batchSize: whole, microBatches: asked }, replicas);
  const open = [schedule, microBatches, recompute].includes('auto');
  // One worker has nothing to share out, nor has a person who has said how.
  const measures = workers > 1 && (open || !balance);
  const profiles: Profile[] = [];
  if (measures) for (const samples of sizesToMeasure(batchSize, microBatches)) profiles.push(await profile(samples));
  const known = measures
    ? ({ kind: 'measured', profiles } as const)
    : ({ kind: 'estimated', device: commonDevice } as const);
  const machine = oneReplica(
    profiles[0] ? measuredMachine(profiles[0], memory) : unmeasured(workers * replicas, memory),
    replicas,
  );
  const costs = costsFor({ model, optimizer, shape, batchSize }, known);
  const plan = planRun({
    ...{ costs, batchSize, machine, workers, schedule, stagesPerWorker, microBatches, recompute, balance, skips },
  });
  const microBatchesOf = (chosen: number): number =>
    asked === 'auto' ? wholeCut({ batchSize: whole }, chosen, replicas) : asked;
  return {
    partition: plan.partition,
    placement: workersOfStages(plan, machine),
    schedule: schedules[plan.schedule],
    durations: plan.request.stages.map((cost, stage) =>
      durationsOn(cost, plan.request.machine, plan.placement[stage]!, plan),
    ),
    ...{ microBatches: microBatchesOf(plan.microBatches), recompute: plan.recompute, threaded: plan.threaded, plan },
    cellTimes: costs(plan.microBatches).cells.map(costPerMicroBatchOf),
  };
}

/** The worker of every stage. Where workers are equal it does not matter who stands where: then they keep their order. */
export const workersOfStages = ({ placement, row }: Plan, { workers, links }: Machine): readonly number[] => {
  const [first] = workers;
  const alike = workers.every(
    ({ speed, memory, copyBytesPerMs }) =>
      speed === first?.speed && memory === first.memory && copyBytesPerMs === first.copyBytesPerMs,
  );
  return alike && Object.keys(links).length === 0 ? placement : placement.map((slot) => row[slot]!);
};

const unmeasured = (workers: number, memory: readonly number[]): Machine => {
  const machine = uniformMachine(workers);
  return { ...machine, workers: machine.workers.map((each, k) => ({ ...each, memory: memory[k] ?? Infinity })) };
};

const costPerMicroBatchOf = ({ forward, backward }: { forward: number; backward: number }): number =>
  forward + backward;

/** Samples of a step. */
export const batchSizeOf = ({ batchSize, microBatches, microBatchShape: [samples = 1] }: PipelineOptions): number =>
  batchSize ?? (microBatches === 'auto' ? samples : samples * microBatches);

/** Nothing is open where there is nobody to choose. */
async function even({ options, model, profile }: LayoutRequest): Promise<Layout> {
  const { workers, microBatchShape, balance, costs: source } = options;
  const { schedule, microBatches, recompute } = settled(options);
  const placement = options.placement ?? schedule.placement(workers, options.stagesPerWorker ?? usualStages(schedule));
  const estimates = analyticCosts(model, microBatchShape);
  const measures = source === 'measured' && workers > 1 && !balance;
  const costs = measures ? measuredCosts(await profile(microBatchShape[0]!), estimates) : estimates;
  const cellTimes = costs.map(costPerMicroBatch);
  const partition = balance ? partitionOf(balance, model.cells.length) : balanceCells(cellTimes, placement.length);
  const threaded = threadedUnasked(model, options);
  return { partition, placement, schedule, microBatches, recompute, threaded, cellTimes };
}

/** The skips to thread where nobody weighs the ways. */
export const threadedUnasked = ({ cells }: Model, { skips }: Pick<PipelineOptions, 'skips'>): string[] =>
  skips === 'threaded' ? cells.flatMap(({ stash }) => stash ?? []) : [];

function settled({
  schedule,
  microBatches,
  recompute,
}: PipelineOptions): Pick<Layout, 'schedule' | 'microBatches' | 'recompute'> {
  if (schedule === 'auto' || microBatches === 'auto' || recompute === 'auto')
    throw new Error('without measured times, or on a placement or schedule of one’s own, nothing can be chosen');
  return { schedule, microBatches, recompute };
}

const usualStages = ({ stagesPerWorker }: ScheduleFamily): number => (stagesPerWorker === 'any' ? 1 : stagesPerWorker);
