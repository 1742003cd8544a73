import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import type { RunFile } from '../../config/runFile.ts';
import { mean, median } from '../../partition/spread.ts';
import { chunk } from '../../pipeline/microBatch.ts';
import { schedules } from '../../pipeline/schedules.ts';
import { sizeOf } from '../../engine/tensor.ts';
import { visibleGpus } from '../devices.ts';
import type { Pipeline } from '../pipeline.ts';
import type { PipelineOptions } from '../pipelineOptions.ts';
import { planTraining } from '../trainingPlan.ts';
import { Contender, type TimedStep } from './contender.ts';
import { figuresOf, type Figures, type Observed } from './figures.ts';
import { Stable } from './stable.ts';
import { stagesPerWorker, subjectsOf, type BenchGrid, type LeftOut, type Subject } from './subject.ts';

export interface BenchOptions extends BenchGrid {
  readonly run: RunFile;
  readonly baseDirectory: string;
  readonly rounds: number;
  /** Of each subject in each round. */
  readonly steps: number;
  readonly signal: AbortSignal;
  readonly report: (event: BenchEvent) => void;
  /** What else takes its turn in every round, before the others: another program, or the wait for a quiet machine. */
  readonly before?: ((round: number) => Promise<void>) | undefined;
}

export type BenchEvent =
  | { readonly kind: 'planned'; readonly subjects: readonly Subject[]; readonly leftOut: readonly LeftOut[] }
  | {
      readonly kind: 'measured';
      /** 1 is the first. */
      readonly round: number;
      readonly rounds: number;
      readonly subject: Subject;
      /** The median of this turn. */
      readonly seconds: number;
      /** The most of the machine that others took in one of its steps. */
      readonly disturbance: number | undefined;
    }
  | { readonly kind: 'failed'; readonly subject: Subject; readonly why: string };

export interface BenchResult {
  readonly run: string;
  readonly date: string;
  readonly machine: BenchMachine;
  /** (batch, …spatial, channels) of a mini-batch. */
  readonly shape: readonly number[];
  readonly threads: number;
  readonly rounds: number;
  readonly figures: readonly Figures[];
  readonly leftOut: readonly LeftOut[];
}

export interface BenchMachine {
  readonly device: string;
  readonly cores: number;
  readonly gpus: number;
  readonly memory: number;
}

/** Steps before any counts: of a pipeline that was just launched, and of one whose memory others have pushed out of the caches. */
const WARM_UP = 2;
const WARM_UP_AGAIN = 1;
/** Of the memory that is free at the beginning, for pipelines that rest. */
const SHARE_OF_MEMORY = 0.6;

/**
 * Times every combination of a grid in interleaved rounds, on random images: a machine that drifts favours nobody. All workers
 * have the same number of threads, however many there are of them, so that more workers are more hardware.
 */
export async function bench(options: BenchOptions): Promise<BenchResult> {
  const { run, baseDirectory, rounds, report, signal } = options;
  const plan = await planTraining(run, baseDirectory);
  const gpus = await visibleGpus();
  const most = Math.max(1, ...options.workers);
  const threads = run.engine.threads ?? Math.max(1, Math.floor(availableParallelism() / most));
  const shape = [run.training.batch_size, ...plan.microBatchShape.slice(1)];
  const { subjects, leftOut } = subjectsOf(options, {
    cells: plan.model.cells.length,
    batchSize: run.training.batch_size,
  });
  report({ kind: 'planned', subjects, leftOut });
  const launch = (subject: Subject): Promise<Contender> =>
    Contender.launch(
      pipelinesOf(subject, { run, shape, threads, signal }),
      chunk(run.training.batch_size, subject.microBatches),
    );
  // A process that rests still holds all the GPU memory that it ever had.
  const stable = new Stable(gpus.length > 0 ? 0 : SHARE_OF_MEMORY * freemem(), launch);
  const bench = new Rounds(options, stable);
  try {
    for (let round = 1; round <= rounds; round++) {
      await options.before?.(round);
      for (const subject of subjects) await bench.turn(round, subject);
    }
  } finally {
    await stable.close();
  }
  return {
    run: run.name,
    date: new Date().toISOString().slice(0, 10),
    machine: {
      device: bench.device,
      cores: cpus().length,
      gpus: gpus.length,
      memory: totalmem(),
    },
    ...{ shape, threads, rounds },
    figures: figuresOf(bench.observed(), { samples: run.training.batch_size, voxels: sizeOf(shape.slice(1, -1)) }),
    leftOut: [...leftOut, ...bench.failed],
  };
}

/** What the rounds have seen so far. */
class Rounds {
  readonly #options: BenchOptions;
  readonly #stable: Stable<Subject, Contender>;
  readonly #seen = new Map<Subject, { steps: TimedStep[]; peaks: number[]; predicted: Observed['predicted'] }>();
  readonly failed: LeftOut[] = [];
  device = '';

  constructor(options: BenchOptions, stable: Stable<Subject, Contender>) {
    this.#options = options;
    this.#stable = stable;
  }

  async turn(round: number, subject: Subject): Promise<void> {
    const { signal, report, rounds } = this.#options;
    if (this.failed.some((each) => each.subject === subject)) return;
    signal.throwIfAborted();
    try {
      const taken = await this.#stable.use(subject, (contender, fresh) => this.#steps(subject, contender, fresh));
      const seconds = median(taken.flatMap((step) => step.seconds));
      const disturbances = taken.flatMap(({ disturbance }) => disturbance ?? []);
      const disturbance = disturbances.length > 0 ? Math.max(...disturbances) : undefined;
      report({ kind: 'measured', round, rounds, subject, seconds, disturbance });
    } catch (error) {
      signal.throwIfAborted();
      // Such as one that does not fit into memory: the others can still be timed.
      const why = error instanceof Error ? error.message : String(error);
      this.failed.push({ subject, why });
      this.#seen.delete(subject);
      report({ kind: 'failed', subject, why });
    }
  }

  observed(): Observed[] {
    return [...this.#seen].map(([subject, seen]) => ({ subject, ...seen }));
  }

  async #steps(subject: Subject, contender: Contender, fresh: boolean): Promise<readonly TimedStep[]> {
    const { steps, signal } = this.#options;
    const taken: TimedStep[] = [];
    for (let s = fresh ? -WARM_UP : -WARM_UP_AGAIN; s < steps; s++) {
      signal.throwIfAborted();
      const step = await contender.step();
      if (s >= 0) taken.push(step);
    }
    const seen = this.#seen.get(subject) ?? { steps: [], peaks: [], predicted: predictedOf(contender.first) };
    seen.steps.push(...taken);
    seen.peaks = (await contender.peaks()).map((peak, worker) => Math.max(peak, seen.peaks[worker] ?? 0));
    this.#seen.set(subject, seen);
    this.device = contender.first.workers[0]!.device;
    return taken;
  }
}

/** What the plan says of a step that was planned from measured times. */
function predictedOf({ layout, workers }: Pipeline): Observed['predicted'] {
  if (!layout.plan || workers.length === 1) return undefined;
  const { step, bubble } = layout.plan.predicted;
  return { seconds: step / 1000, bubble: mean(bubble) };
}

/** What is launched for a subject: one pipeline, or one for every independent worker, each on a device of its own. */
function pipelinesOf(
  subject: Subject,
  { run, shape, threads, signal }: { run: RunFile; shape: readonly number[]; threads: number; signal: AbortSignal },
): PipelineOptions[] {
  const { model, loss, optimizer, seed, data, pipeline } = run;
  const sizes = chunk(run.training.batch_size, subject.microBatches);
  const common: Omit<PipelineOptions, 'workers' | 'schedule'> = {
    ...{ model, loss, optimizer, seed, signal },
    ...{ recompute: pipeline.recompute, skips: pipeline.skips },
    batchNorm: pipeline.batch_norm,
    engine: { ...run.engine, threads },
    loader: { kind: 'synthetic', shape: [...shape], classes: data.classes.length, seed },
    microBatchShape: [sizes[0]!, ...shape.slice(1)],
    microBatches: sizes.length,
    costs: 'measured',
  };
  if (subject.kind === 'independent')
    return Array.from({ length: subject.workers }, (_, first) => ({
      ...common,
      ...{ workers: 1, schedule: schedules['1f1b'] },
      beside: { first, all: subject.workers },
    }));
  const { workers, schedule } = subject;
  const balance = balanceFor(run, subject);
  return [{ ...common, workers, schedule: schedules[schedule], stagesPerWorker: stagesPerWorker(schedule), balance }];
}

/** The run file's own cut, where it is one for so many stages. */
function balanceFor(
  { pipeline }: RunFile,
  subject: Extract<Subject, { kind: 'pipeline' }>,
): readonly number[] | undefined {
  const stages = subject.workers * stagesPerWorker(subject.schedule);
  return pipeline.balance?.length === stages ? pipeline.balance : undefined;
}
