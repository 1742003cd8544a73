import type { Phase } from '../config/phases.ts';
import type { RunFile } from '../config/runFile.ts';
import { stagesPerWorkerOf } from '../config/scheduleName.ts';
import type { LoaderConfiguration } from '../data/loader/configuration.ts';
import { chunk } from '../pipeline/microBatch.ts';
import type { ScheduleFamily } from '../pipeline/schedules.ts';
import type { Layout } from './layout.ts';
import { settleCache } from './loading.ts';
import { Pipeline } from './pipeline.ts';
import type { PipelineOptions } from './pipelineOptions.ts';
import { scheduleFamily } from './scheduleFamily.ts';
import type { TrainingPlan } from './trainingPlan.ts';

export interface LaunchOptions {
  readonly plan: TrainingPlan;
  readonly baseDirectory: string;
  /** Where the parameters begin; drawn from the seed unless given. */
  readonly weights: PipelineOptions['weights'];
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Starts the processes that train a phase, cut and ordered as its part of the run file says. */
export async function launchPhase(
  { run }: Phase,
  { plan, baseDirectory, weights, note, signal }: LaunchOptions,
): Promise<Pipeline> {
  const { model, seed, loss, optimizer, pipeline: settings, engine, training } = run;
  const { micro_batches: parts } = settings;
  const { cache, note: cached } = await settleCache(run, baseDirectory);
  if (cached) note(cached);
  const pipeline = await Pipeline.launch({
    ...{ model, loss, optimizer, seed, engine, signal, weights, note },
    workers: plan.workers,
    balance: settings.balance,
    schedule: scheduleOf(settings, baseDirectory),
    stagesPerWorker: stagesPerWorkerOf(settings),
    recompute: settings.recompute,
    skips: settings.skips,
    memory: settings.memory,
    batchNorm: settings.batch_norm,
    teacher: training.self_ensembling !== undefined,
    loader: loaderOf({ ...run, data: { ...run.data, cache } }, plan, baseDirectory),
    microBatchShape: plan.microBatchShape,
    microBatches: parts === 'auto' ? 'auto' : chunk(training.batch_size, parts).length,
    batchSize: training.batch_size,
    costs: 'measured',
  });
  const chosen = describeChoice(settings, pipeline.layout);
  if (chosen) note(chosen);
  return pipeline;
}

const scheduleOf = ({ schedule }: RunFile['pipeline'], baseDirectory: string): ScheduleFamily | 'auto' =>
  schedule === 'auto' ? 'auto' : scheduleFamily({ schedule }, baseDirectory);

function loaderOf(
  { model, data, seed, training }: RunFile,
  { microBatchShape }: TrainingPlan,
  baseDirectory: string,
): LoaderConfiguration {
  if (!data.synthetic) return { kind: 'dataset', data, model, seed, baseDirectory };
  const shape = [training.batch_size, ...microBatchShape.slice(1)];
  return { kind: 'synthetic', shape, classes: data.classes.length, seed };
}

/** What was chosen where the run file says `auto`. */
function describeChoice(
  { schedule, micro_batches, recompute }: RunFile['pipeline'],
  { plan, microBatches, ...settled }: Layout,
): string | undefined {
  if (!plan || ![schedule, micro_batches, recompute].includes('auto')) return undefined;
  const parts = [`schedule ${plan.schedule}`, `micro-batches ${microBatches}`, `recomputation ${settled.recompute}`];
  return `chosen: ${parts.join(', ')}; predicted ${(plan.predicted.step / 1000).toPrecision(3)} s a step`;
}
