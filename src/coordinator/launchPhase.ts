import type { Phase } from '../config/phases.ts';
import type { RunFile } from '../config/runFile.ts';
import { isSchedulePath, stagesPerWorkerOf } from '../config/scheduleName.ts';
import type { LoaderConfiguration } from '../data/loader/configuration.ts';
import { chunk } from '../pipeline/microBatch.ts';
import type { ScheduleFamily } from '../pipeline/schedules.ts';
import type { Crew } from './crew.ts';
import type { Layout } from './layout.ts';
import { settleCache } from './loading.ts';
import { Pipeline } from './pipeline.ts';
import type { PipelineOptions } from './pipelineOptions.ts';
import { scheduleFamily } from './scheduleFamily.ts';
import { shapeFor, type Shape } from './replicas.ts';
import type { TrainingPlan } from './trainingPlan.ts';

export interface FormOptions extends Pick<PipelineOptions, 'weights' | 'layout' | 'goOn'> {
  readonly plan: TrainingPlan;
  readonly loader: LoaderConfiguration;
  readonly baseDirectory: string;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Lays a phase on the workers that are there, cut and ordered as its part of the run file says. */
export async function formPipeline(
  { run }: Phase,
  crew: Crew,
  { plan, loader, baseDirectory, note, signal, layout, ...beginning }: FormOptions,
): Promise<Pipeline> {
  const { model, seed, loss, optimizer, pipeline: settings, engine, training } = run;
  const { micro_batches: parts } = settings;
  const { workers, replicas } = shapeOf(run, plan, crew.workers);
  const pipeline = await Pipeline.over(crew, {
    ...{ model, loss, optimizer, seed, engine, signal, note, layout, ...beginning },
    workers,
    replicas,
    // What was said for all workers holds for no fewer.
    balance: workers === plan.workers ? settings.balance : undefined,
    schedule: scheduleOf(settings, baseDirectory),
    stagesPerWorker: stagesPerWorkerOf(settings),
    recompute: settings.recompute,
    skips: settings.skips,
    memory: settings.memory,
    batchNorm: settings.batch_norm,
    teacher: training.self_ensembling !== undefined,
    loader,
    microBatchShape: plan.microBatchShape,
    microBatches: parts === 'auto' ? 'auto' : chunk(training.batch_size, parts).length,
    batchSize: training.batch_size,
    costs: 'measured',
  });
  const chosen = layout ? undefined : describeChoice(settings, pipeline.layout);
  if (chosen) note(chosen);
  return pipeline;
}

/** How a phase is laid on so many workers: on fewer than it asks for where some were lost. */
export function shapeOf({ pipeline }: RunFile, { workers, model }: TrainingPlan, there: number): Shape {
  const wanted = { workers, replicas: pipeline.replicas };
  // A schedule of the user's own is for so many workers, and no more than there are cells for have anything to do.
  const longest = isSchedulePath(pipeline.schedule)
    ? workers
    : Math.floor(model.cells.length / (stagesPerWorkerOf(pipeline) ?? 1));
  return shapeFor(there, wanted, longest);
}

const scheduleOf = ({ schedule }: RunFile['pipeline'], baseDirectory: string): ScheduleFamily | 'auto' =>
  schedule === 'auto' ? 'auto' : scheduleFamily({ schedule }, baseDirectory);

/** What a phase is fed from; to be settled once, since the bound of the cache follows from the memory that is free now. */
export async function loaderOf(
  run: RunFile,
  { microBatchShape }: TrainingPlan,
  { baseDirectory, note }: { baseDirectory: string; note: (text: string) => void },
): Promise<LoaderConfiguration> {
  const { model, data, seed, training } = run;
  if (data.synthetic) {
    const shape = [training.batch_size, ...microBatchShape.slice(1)];
    return { kind: 'synthetic', shape, classes: data.classes.length, seed };
  }
  const { cache, note: cached } = await settleCache(run, baseDirectory);
  if (cached) note(cached);
  return { kind: 'dataset', data: { ...data, cache }, model, seed, baseDirectory };
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
