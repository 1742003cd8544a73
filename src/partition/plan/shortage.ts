import type { RecomputeMode } from '../../config/runFile.ts';
import type { TrainingScheduleName } from '../../config/scheduleName.ts';
import type { Machine, MachineWorker } from '../../pipeline/stageCost.ts';
import type { CellRange } from '../partition.ts';
import { defaultOptions } from './question.ts';
import type { PlanQuestion } from './question.ts';
import { climb } from './climb.ts';
import { firstTry, settingsOf } from './tries.ts';
import type { Try } from './tries.ts';

/** Where memory is missing, in the way that misses least. */
export interface Shortage {
  readonly schedule: TrainingScheduleName;
  readonly microBatches: number;
  readonly recompute: RecomputeMode;
  /** Of the machine. */
  readonly worker: number;
  /** Its largest one. */
  readonly stage: number;
  readonly cells: CellRange;
  /** Bytes. */
  readonly needed: number;
  readonly limit: number;
}

/** What would fit; what is undefined would not, or has been asked for already. */
export interface Remedies {
  /** The least number of workers, those that are more being like the largest there is. */
  readonly workers: number | undefined;
  readonly recompute: 'always' | undefined;
  /** The part of the input's voxels with which the same way would fit. */
  readonly inputShare: number | undefined;
}

/** No way to run a step within the workers' memories: where it misses least, by how much, and what would do. */
export class PlanDoesNotFitError extends Error {
  override readonly name = 'PlanDoesNotFitError';
  readonly shortage: Shortage;
  readonly remedies: Remedies;
  /** Bytes missing on that worker. */
  readonly missing: number;

  constructor(shortage: Shortage, remedies: Remedies) {
    const { worker, stage, cells, needed, limit, schedule, microBatches, recompute } = shortage;
    super(
      `nothing fits: with schedule ${schedule}, ${microBatches} micro-batches and recomputation ${recompute}, which needs ` +
        `least, worker ${worker} needs ${gib(needed)} and has ${gib(limit)}: ${gib(needed - limit)} are missing, most of it for ` +
        `stage ${stage} (cells ${cells.start}–${cells.end - 1}); ${adviceOf(remedies)}`,
    );
    this.shortage = shortage;
    this.remedies = remedies;
    this.missing = needed - limit;
  }
}

const gib = (bytes: number): string =>
  bytes < 2 ** 20
    ? `${bytes} bytes`
    : bytes < 2 ** 30
      ? `${(bytes / 2 ** 20).toFixed(1)} MiB`
      : `${(bytes / 2 ** 30).toFixed(2)} GiB`;

const adviceOf = ({ workers, recompute, inputShare }: Remedies): string => {
  const ways = [
    ...(workers === undefined ? [] : [`${workers} workers (--workers ${workers})`]),
    ...(recompute === undefined ? [] : ['recomputation (--recompute always)']),
    ...(inputShare === undefined ? [] : [`an input of about ${Math.floor(100 * inputShare)}% of the voxels`]),
  ];
  return ways.length > 0
    ? `what would fit: ${ways.join('; or ')}`
    : 'a smaller model (model.n_feat, model.depth) is needed';
};

/** The error for a question of which no try fits. */
export const doesNotFit = (question: PlanQuestion, tries: readonly Try[]): Error => {
  const [least] = tries.toSorted((a, b) => a.verdict.excess - b.verdict.excess);
  if (!least) return new RangeError('there is no schedule for so many workers, stages and micro-batches');
  return new PlanDoesNotFitError(shortageOf(least), {
    workers: leastWorkers(question),
    recompute: question.recompute !== 'always' && fits({ ...question, recompute: 'always' }) ? 'always' : undefined,
    inputShare: inputShareOf(least),
  });
};

const shortageOf = ({ judge, assignment }: Try): Shortage => {
  const { simulation, request } = judge.simulation(assignment);
  const { schedule, microBatches, recompute } = judge.setting;
  const limits = request.machine.workers.map(({ memory }) => memory);
  const peaks = simulation.details.map(({ memory }) => memory.peak);
  const slot = indexOfMost(peaks.map((peak, worker) => peak - limits[worker]!));
  const size = request.stages.map((cost, stage) =>
    judge.layout.slotOfStage[stage] === slot
      ? cost.parameterBytes + cost.gradientBytes + cost.optimizerBytes + cost.activationBytes
      : -1,
  );
  const stage = indexOfMost(size);
  return {
    ...{ schedule, microBatches, recompute, stage },
    worker: assignment.placement[stage]!,
    cells: assignment.stages[stage]!,
    needed: peaks[slot]!,
    limit: limits[slot]!,
  };
};

const indexOfMost = (values: readonly number[]): number => values.indexOf(Math.max(...values));

/** Everything but parameters and what belongs to them grows with the voxels. */
const inputShareOf = ({ judge, assignment }: Try): number | undefined => {
  const { simulation, request } = judge.simulation(assignment);
  const shares = simulation.details.map(({ memory: { fixed, peak } }, worker) => {
    const limit = request.machine.workers[worker]!.memory;
    return peak <= limit ? 1 : (limit - fixed) / (peak - fixed);
  });
  const least = Math.min(...shares);
  return least > 0 ? least : undefined;
};

const leastWorkers = (question: PlanQuestion): number | undefined => {
  if (question.balance) return undefined;
  const known = question.machine.workers.length;
  const first = question.workers === 'auto' ? known + 1 : question.workers + 1;
  const { cells } = question.costs(question.microBatches === 'auto' ? question.batchSize : question.microBatches);
  for (let workers = first; workers <= cells.length; workers += 1)
    if (fits({ ...question, workers, machine: extended(question.machine, workers) })) return workers;
  return undefined;
};

/** With more workers of the kind that has the most memory. */
const extended = (machine: Machine, workers: number): Machine => {
  const [largest] = machine.workers.toSorted((a, b) => b.memory - a.memory);
  const more = Array.from({ length: Math.max(0, workers - machine.workers.length) }, () => largest as MachineWorker);
  return { ...machine, workers: [...machine.workers, ...more] };
};

/** Whether any setting of a question fits: by the search, and by the simulator's count. */
const fits = (question: PlanQuestion): boolean =>
  settingsOf(question).some((setting) => {
    const { effort, actions } = { ...defaultOptions, ...question.options };
    const found = firstTry(setting, question, effort);
    if (!found) return false;
    if (found.verdict.excess === 0) return true;
    const patience = { left: Math.ceil(actions / found.judge.actions / 4) };
    return climb(found.judge, found.assignment, { cuts: !question.balance }, patience).verdict.excess === 0;
  });
