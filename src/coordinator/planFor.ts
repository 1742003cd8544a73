import type { RunFile } from '../config/runFile.ts';
import { isSchedulePath, stagesPerWorkerOf } from '../config/scheduleName.ts';
import type { Model } from '../models/cell.ts';
import { balanceCells } from '../partition/balance.ts';
import { PlanError } from '../partition/limits.ts';
import { messageBytesOf, stageCostOf } from '../partition/modelCost.ts';
import { partitionOf } from '../partition/partition.ts';
import { PlanDoesNotFitError } from '../partition/plan/shortage.ts';
import type { PlanQuestion } from '../partition/plan/question.ts';
import { compareRuns, planRun, type Alternative, type Plan } from '../partition/planner.ts';
import { leastQueueCapacity } from '../pipeline/boundedRun.ts';
import { chunk } from '../pipeline/microBatch.ts';
import { routesOf } from '../pipeline/routes.ts';
import type { ScheduleFamily } from '../pipeline/schedules.ts';
import { simulate } from '../pipeline/simulator.ts';
import type { Timeline } from '../pipeline/timeline.ts';
import { knownCosts, type CostFiles, type CostSource, type KnownCosts } from './knownCosts.ts';
import { threadedUnasked, workersOfStages } from './layout.ts';
import {
  describeStages,
  describeWorkers,
  renumbered,
  type PlannedStage,
  type PlannedWorker,
  type SimulatedRun,
} from './planTables.ts';
import { scheduleFamily } from './scheduleFamily.ts';
import { shapeOfRun, type RunShape } from './trainingPlan.ts';

export interface PlanOptions extends CostFiles {
  readonly run: RunFile;
  readonly baseDirectory: string;
}

/** What a run would be. */
export interface RunPlan {
  readonly kind: 'plan';
  readonly source: CostSource;
  readonly schedule: string;
  readonly microBatches: number;
  /** Samples of a step. */
  readonly batchSize: number;
  readonly recompute: string;
  /** Skips that go through every stage between. */
  readonly threaded: readonly string[];
  /** Milliseconds. */
  readonly step: number;
  readonly stages: readonly PlannedStage[];
  readonly workers: readonly PlannedWorker[];
  /** Every schedule side by side, best first, with the same micro-batches and recomputation. */
  readonly schedules: readonly Alternative[];
  /** From its first action to its last. */
  readonly timeline: Timeline;
}

/** Nothing fits: why, and what every schedule would need. */
export interface NoPlan {
  readonly kind: 'nothing fits';
  readonly source: CostSource;
  readonly error: PlanDoesNotFitError;
  readonly schedules: readonly Alternative[];
}

type Question = Omit<PlanQuestion, 'schedule'>;

/** Plans a run without starting anything. Reads images only where their size is that of the samples. */
export async function planFor({ run: asked, baseDirectory, ...files }: PlanOptions): Promise<RunPlan | NoPlan> {
  const run = onMachine(asked, files);
  const shape = await shapeOfRun(run, baseDirectory);
  const known = await knownCosts(run, shape, files);
  const question = questionOf(run, shape, known);
  const { schedule } = run.pipeline;
  const about = { source: known.source, batchSize: run.training.batch_size };
  if (!isSchedulePath(schedule)) return planned(shape.model, { ...question, schedule }, about);
  const { microBatches, recompute, threaded, ...simulated } = simulateOwn(
    scheduleFamily({ schedule }, baseDirectory),
    shape.model,
    question,
  );
  const settings = { schedule, microBatches, recompute, threaded, schedules: [] };
  return { kind: 'plan', ...about, ...settings, ...figuresOf(shape.model, simulated) };
}

/**
 * Throws where a run does not fit into its workers' memories, or its schedule cannot be used. What cells hold is counted and not
 * measured, so this is known before anything is.
 */
export async function checkFit(run: RunFile, shape: RunShape, baseDirectory: string): Promise<void> {
  const { schedule } = run.pipeline;
  if (isSchedulePath(schedule)) scheduleFamily({ schedule }, baseDirectory);
  else planRun({ ...questionOf(run, shape, await knownCosts(run, shape, {})), schedule });
}

const questionOf = ({ pipeline, training }: RunFile, { workers }: RunShape, known: KnownCosts): Question => ({
  ...{ costs: known.costs, machine: known.machine, batchSize: training.batch_size, workers },
  ...{ microBatches: pipeline.micro_batches, recompute: pipeline.recompute, balance: pipeline.balance },
  ...{ stagesPerWorker: stagesPerWorkerOf(pipeline), skips: pipeline.skips },
});

/** On a machine that is described, `workers: auto` is all that it has. */
function onMachine(run: RunFile, { machine }: CostFiles): RunFile {
  if (!machine) return run;
  const all = machine.workers.reduce((sum, { count }) => sum + count, 0);
  const { workers } = run.pipeline;
  if (workers === 'auto') return { ...run, pipeline: { ...run.pipeline, workers: all } };
  if (workers <= all) return run;
  const problem = `${workers} workers, but ${machine.name} has ${all}`;
  const remedy = `allowed are 1 to ${all}: --workers ${all}, or more workers in its description`;
  throw new PlanError([{ kind: 'workers', key: 'pipeline.workers', value: workers, problem, remedy }]);
}

function planned(model: Model, question: PlanQuestion, about: Pick<RunPlan, 'source' | 'batchSize'>): RunPlan | NoPlan {
  try {
    const plan = planRun(question);
    const { schedule, microBatches, recompute, threaded, partition, simulation, request, alternatives } = plan;
    const open = question.schedule === 'auto';
    const known = open && question.microBatches !== 'auto' && question.recompute !== 'auto';
    const others = known ? alternatives : sideBySide(question, { microBatches, recompute });
    const schedules = [alternatives[0]!, ...others.filter((other) => other.schedule !== schedule)].toSorted(byStep);
    const workers = rowOf(plan, question);
    return {
      ...{ kind: 'plan', ...about, schedule, microBatches, recompute, threaded, schedules },
      ...figuresOf(model, { partition, simulation, request, workers }),
    };
  } catch (error) {
    if (!(error instanceof PlanDoesNotFitError)) throw error;
    const { microBatches, recompute } = error.shortage;
    return {
      kind: 'nothing fits',
      source: about.source,
      error,
      schedules: sideBySide(question, { microBatches, recompute }),
    };
  }
}

/** What fits before what does not. */
const byStep = (a: Alternative, b: Alternative): number =>
  Number(a.excess > 0) - Number(b.excess > 0) || a.step - b.step;

/** Every schedule with the same micro-batches and recomputation, each with its own best partition. */
const sideBySide = (
  question: PlanQuestion,
  settled: Pick<Alternative, 'microBatches' | 'recompute'>,
): readonly Alternative[] => compareRuns({ ...question, ...settled, schedule: 'auto', stagesPerWorker: undefined });

/** The machine's worker at every place of the row. */
const rowOf = (plan: Plan, { machine }: PlanQuestion): readonly number[] => {
  const workers = workersOfStages(plan, machine);
  return plan.row.map((_, slot) => workers[plan.placement.indexOf(slot)]!);
};

const figuresOf = (model: Model, run: SimulatedRun): Pick<RunPlan, 'step' | 'stages' | 'workers' | 'timeline'> => ({
  step: run.simulation.step,
  stages: describeStages(model, run),
  workers: describeWorkers(run),
  timeline: renumbered(run.simulation, run.workers),
});

/** A schedule of the user's own, on the partition that a run would have: the most even one, or the one that was given. */
function simulateOwn(
  family: ScheduleFamily,
  model: Model,
  { costs, machine, workers, balance, batchSize, skips, ...asked }: Question,
): SimulatedRun & Pick<RunPlan, 'microBatches' | 'recompute' | 'threaded'> {
  if (asked.microBatches === 'auto' || asked.recompute === 'auto' || workers === 'auto')
    throw new Error('nothing is chosen for a schedule of one’s own');
  const { recompute } = asked;
  const microBatches = chunk(batchSize, asked.microBatches).length;
  const cost = costs(microBatches);
  const placement = family.placement(workers, family.stagesPerWorker === 'any' ? 1 : family.stagesPerWorker);
  const times = cost.cells.map(({ forward, backward }) => forward + backward);
  const partition = balance ? partitionOf(balance, times.length) : balanceCells(times, placement.length);
  const threaded = threadedUnasked(model, { skips });
  const routes = routesOf(model.cells, partition, threaded);
  const schedule = family.generate({ stages: placement.length, microBatches, placement });
  const queueCapacity = Math.max(2, leastQueueCapacity(schedule, routes) ?? 2);
  const stages = partition.stages.map((range) => stageCostOf(cost, range));
  const messageBytes = messageBytesOf(cost.cells, partition);
  const request = { schedule, routes, stages, messageBytes, machine, recompute, queueCapacity };
  const row = Array.from({ length: workers }, (_, worker) => worker);
  return { partition, request, simulation: simulate(request), workers: row, microBatches, recompute, threaded };
}
