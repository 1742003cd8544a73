import type { RecomputeMode, SkipWay } from '../../config/runFile.ts';
import type { TrainingScheduleName } from '../../config/scheduleName.ts';
import type { Machine } from '../../pipeline/stageCost.ts';
import type { ModelCost } from '../modelCost.ts';

/** What is asked of a plan: what is given stays, what is `auto` is chosen. */
export interface PlanQuestion {
  /** What the cells cost for the largest of so many micro-batches. */
  readonly costs: (microBatches: number) => ModelCost;
  /** Samples of a step. */
  readonly batchSize: number;
  readonly machine: Machine;
  /** How many of the machine's workers to use. */
  readonly workers: number | 'auto';
  readonly schedule: TrainingScheduleName | 'auto';
  /** Of gpipe and interleaved_1f1b; what the schedule is known for where left out. */
  readonly stagesPerWorker?: number | undefined;
  readonly microBatches: number | 'auto';
  readonly recompute: RecomputeMode | 'auto';
  /** How skips travel; `auto`, which is the default: each in the cheaper way. */
  readonly skips?: SkipWay | 'auto' | undefined;
  /** Cells of every stage, where a person has said it. */
  readonly balance?: readonly number[] | undefined;
  readonly options?: Partial<PlanOptions>;
}

export interface PlanOptions {
  /** What each exact search may spend. */
  readonly effort: number;
  /** Actions that the simulator may be asked to time for each setting that is refined. */
  readonly actions: number;
  /** Settings that are refined: the most promising ones. */
  readonly refined: number;
  /** Whether all assignments of a setting are tried where there are no more than can be timed. */
  readonly tryAll: boolean;
  /** Else: how often the best is shaken and climbed from again. */
  readonly shakes: number;
}

export const defaultOptions: PlanOptions = { effort: 1e7, actions: 4e5, refined: 6, tryAll: true, shakes: 100 };
