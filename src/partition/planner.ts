import type { RecomputeMode } from '../config/runFile.ts';
import type { TrainingScheduleName } from '../config/scheduleName.ts';
import type { Simulation, SimulationRequest } from '../pipeline/simulator.ts';
import { CutError } from './balance.ts';
import type { CellRange, Partition } from './partition.ts';
import { defaultOptions } from './plan/question.ts';
import type { PlanQuestion } from './plan/question.ts';
import { doesNotFit } from './plan/shortage.ts';
import { byVerdict, firstTry, refinedTry, settingsOf } from './plan/tries.ts';
import type { Try } from './plan/tries.ts';
import { rowOf } from './search/neighbours.ts';

/** One of the ways that were weighed. */
export interface Alternative {
  readonly schedule: TrainingScheduleName;
  readonly stagesPerWorker: number;
  readonly workers: number;
  readonly microBatches: number;
  readonly recompute: RecomputeMode;
  /** Milliseconds a step, by the simulator. */
  readonly step: number;
  /** Bytes that are missing over all workers; 0 where it fits. */
  readonly excess: number;
  /** Whether its partition was refined by the simulator, or is the search's first answer. */
  readonly refined: boolean;
  readonly balance: readonly number[];
  /** Where it was refined. */
  readonly predicted: Prediction | undefined;
}

export interface Prediction {
  /** Milliseconds. */
  readonly step: number;
  /** The part of the step in which each worker waits. */
  readonly bubble: readonly number[];
  /** Bytes that each worker holds at most. */
  readonly memory: readonly number[];
}

export interface Plan {
  readonly partition: Partition;
  /** The worker of every stage, numbered by their place in the row. */
  readonly placement: readonly number[];
  /** Which of the machine's workers stands at each place in the row. */
  readonly row: readonly number[];
  readonly schedule: TrainingScheduleName;
  readonly stagesPerWorker: number;
  readonly microBatches: number;
  readonly recompute: RecomputeMode;
  /** Skips that go through every stage between; the others go straight to the stage that reads them. */
  readonly threaded: readonly string[];
  readonly predicted: Prediction;
  /** The step as it was simulated, and all that went into it: schedule, routes, stage costs, the machine's row. */
  readonly simulation: Simulation;
  readonly request: SimulationRequest;
  /** Best first. */
  readonly alternatives: readonly Alternative[];
}

/**
 * The fastest way to run a step that fits: for every setting (schedule, micro-batches, recomputation, workers) that the
 * question leaves open the exact search gives a partition and a placement, the simulator judges them, and the neighbourhoods of
 * the best are climbed by the simulator's judgement. Deterministic.
 *
 * Throws a PlanDoesNotFitError where nothing fits, a CutError where there are fewer cells than stages.
 */
export const planRun = (question: PlanQuestion): Plan => {
  const all = weigh(question);
  const [best] = all;
  if (!best || best.verdict.excess > 0) throw doesNotFit(question, all);
  return planOf(best, all.map(alternativeOf));
};

/** Every way that the question leaves open, best first, whether it fits or not. */
export const compareRuns = (question: PlanQuestion): readonly Alternative[] => weigh(question).map(alternativeOf);

const weigh = (question: PlanQuestion): Try[] => {
  const options = { ...defaultOptions, ...question.options };
  const settings = settingsOf(question);
  if (settings.length === 0) throw tooFewCells(question);
  const tried = settings.flatMap((setting) => firstTry(setting, question, options.effort) ?? []);
  const ranked = tried.toSorted(byVerdict);
  const refined = ranked.slice(0, options.refined).map((each) => refinedTry(each, question, options));
  return [...refined, ...ranked.slice(options.refined)].toSorted(byVerdict);
};

const tooFewCells = ({ costs, workers, microBatches, batchSize, balance }: PlanQuestion): CutError => {
  const cells = costs(microBatches === 'auto' ? batchSize : microBatches).cells.length;
  const stages = workers === 'auto' ? 1 : workers;
  const reason = balance
    ? `the balance is for ${balance.length} stages, which no schedule that may be chosen puts on ${workers} workers`
    : `allowed are 1 to ${cells} stages, each of one cell at least`;
  return new CutError(cells, stages, reason);
};

const alternativeOf = ({ judge, assignment, verdict, refined }: Try): Alternative => {
  const { schedule, stagesPerWorker, workers, microBatches, recompute } = judge.setting;
  const balance = assignment.stages.map(({ start, end }: CellRange) => end - start);
  const predicted = refined ? predictionOf(judge.simulation(assignment).simulation) : undefined;
  const { step, excess } = verdict;
  return { schedule, stagesPerWorker, workers, microBatches, recompute, step, excess, refined, balance, predicted };
};

const planOf = ({ judge, assignment, verdict: { threaded } }: Try, alternatives: readonly Alternative[]): Plan => {
  const { schedule, stagesPerWorker, microBatches, recompute } = judge.setting;
  const { simulation, request } = judge.simulation(assignment);
  return {
    partition: { stages: assignment.stages },
    placement: judge.layout.slotOfStage,
    row: rowOf(judge.layout, assignment),
    ...{ schedule, stagesPerWorker, microBatches, recompute, threaded },
    predicted: predictionOf(simulation),
    ...{ simulation, request, alternatives },
  };
};

const predictionOf = ({ step, details }: Simulation): Prediction => ({
  step,
  bubble: details.map(({ bubble }) => bubble),
  memory: details.map(({ memory }) => memory.peak),
});
