import type { RecomputeMode } from '../config/runFile.ts';
import type { TrainingScheduleName } from '../config/scheduleName.ts';
import type { Simulation, SimulationRequest } from '../pipeline/simulator.ts';
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
  const options = { ...defaultOptions, ...question.options };
  const tried = settingsOf(question).flatMap((setting) => firstTry(setting, question, options.effort) ?? []);
  const ranked = tried.toSorted(byVerdict);
  const refined = ranked.slice(0, options.refined).map((each) => refinedTry(each, question, options));
  const all = [...refined, ...ranked.slice(options.refined)].toSorted(byVerdict);
  const [best] = all;
  if (!best || best.verdict.excess > 0) throw doesNotFit(question, all);
  return planOf(best, all.map(alternativeOf));
};

const alternativeOf = ({ judge, assignment, verdict, refined }: Try): Alternative => {
  const { schedule, stagesPerWorker, workers, microBatches, recompute } = judge.setting;
  const balance = assignment.stages.map(({ start, end }: CellRange) => end - start);
  return { schedule, stagesPerWorker, workers, microBatches, recompute, ...verdict, refined, balance };
};

const planOf = ({ judge, assignment }: Try, alternatives: readonly Alternative[]): Plan => {
  const { schedule, stagesPerWorker, microBatches, recompute } = judge.setting;
  const { simulation, request } = judge.simulation(assignment);
  return {
    partition: { stages: assignment.stages },
    placement: judge.layout.slotOfStage,
    row: rowOf(judge.layout, assignment),
    ...{ schedule, stagesPerWorker, microBatches, recompute },
    predicted: {
      step: simulation.step,
      bubble: simulation.details.map(({ bubble }) => bubble),
      memory: simulation.details.map(({ memory }) => memory.peak),
    },
    ...{ simulation, request, alternatives },
  };
};
