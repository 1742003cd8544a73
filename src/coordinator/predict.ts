import { join, resolve } from 'node:path';
import { loadRunFile } from '../config/loadRunFile.ts';
import { phasesOf } from '../config/phases.ts';
import type { RunFile } from '../config/runFile.ts';
import { tensorShape } from '../data/channels.ts';
import { DataError } from '../data/dataError.ts';
import type { Volume } from '../data/volume.ts';
import { paddedSize } from '../data/pad.ts';
import { microBatchesOf } from '../data/wholeImage.ts';
import type { Shape } from '../engine/tensor.ts';
import { roiFor } from '../inference/slidingWindow/settings.ts';
import type { Triple } from '../inference/slidingWindow/windows.ts';
import type { Model } from '../models/cell.ts';
import { buildModel } from '../models/index.ts';
import { checkPlan } from '../partition/limits.ts';
import { schedules } from '../pipeline/schedules.ts';
import type { PredictEvent } from '../telemetry/predictEvent.ts';
import { runFiles } from '../telemetry/runDirectory.ts';
import { DEFAULT_MAX_BYTES } from '../transport/tensorMessage.ts';
import { assignDevices, memoryOf, visibleGpus, workersFor } from './devices.ts';
import { Pipeline } from './pipeline.ts';
import { ImageDoesNotFitError } from './prediction/errors.ts';
import { forwardBytes, shortageOf } from './prediction/fit.ts';
import { isDone, jobsOf, type Job } from './prediction/jobs.ts';
import { placeOf, Segmenter, type Placed } from './prediction/segmenter.ts';

export interface PredictOptions {
  /** Folder of a run: its run file and its weights. */
  readonly runDirectory: string;
  /** Keys of the run file that are to be otherwise: `inference.mode=sliding`, `pipeline.workers=2`. */
  readonly overrides?: readonly string[];
  /** A safetensors file by PyTorch's names; that of the run unless given. */
  readonly weights?: string;
  /** An image, or a folder of images. */
  readonly input: string;
  /** A file for an image, a folder for a folder. */
  readonly output: string;
  /** Whether the probability of every class is written beside the labels. */
  readonly probabilities?: boolean;
  /** Whether what is there already is made again. */
  readonly force?: boolean;
  readonly signal: AbortSignal;
  readonly report: (event: PredictEvent) => void;
}

/** What became of one image. */
export type PredictedFile =
  | {
      readonly status: 'done';
      readonly input: string;
      readonly output: string;
      /** Along x, y, z. */
      readonly size: readonly number[];
      /** Voxels of every class. */
      readonly classes: Readonly<Record<string, number>>;
      readonly seconds: number;
    }
  | { readonly status: 'skipped'; readonly input: string; readonly output: string }
  | { readonly status: 'failed'; readonly input: string; readonly error: string };

export interface PredictResult {
  readonly files: readonly PredictedFile[];
  readonly seconds: number;
}

/**
 * Segments images through the pipeline, whole or window by window, and writes label maps on the images' own grids. Of a folder,
 * an image that cannot be segmented does not lose the others; a single one throws what went wrong.
 */
export async function predict(options: PredictOptions): Promise<PredictResult> {
  const begin = performance.now();
  const loaded = loadRunFile(join(options.runDirectory, runFiles.run), options.overrides ?? [], { checkFiles: false });
  // The weights are those of the last phase, and so is what is done to an image before.
  const { run } = phasesOf(loaded.run).at(-1)!;
  const model = buildModel(run.model);
  const jobs = await jobsOf({ probabilities: false, ...options, channels: model.inChannels });
  const prediction = new Prediction(options, run, model);
  const files: PredictedFile[] = [];
  try {
    for (const [index, job] of jobs.entries()) {
      options.signal.throwIfAborted();
      options.report({ kind: 'file', input: job.files[0]!, number: index + 1, files: jobs.length });
      files.push(await prediction.one(job, jobs.length === 1));
    }
  } finally {
    await prediction.close();
  }
  return { files, seconds: (performance.now() - begin) / 1000 };
}

/** A prediction in progress: one pipeline for all images, launched for the first and again after it failed. */
class Prediction {
  readonly #options: PredictOptions;
  readonly #run: RunFile;
  readonly #model: Model;
  #running: { readonly pipeline: Pipeline; readonly segmenter: Segmenter } | undefined;
  /** Without a pipeline there is nothing to go on with. */
  #launched = true;
  #limits: readonly number[] | undefined;

  constructor(options: PredictOptions, run: RunFile, model: Model) {
    this.#options = options;
    this.#run = run;
    this.#model = model;
  }

  async one(job: Job, alone: boolean): Promise<PredictedFile> {
    const { report, signal, force } = this.#options;
    const input = job.files[0]!;
    if (!force && isDone(job)) {
      report({ kind: 'skipped', input, output: job.output });
      return { status: 'skipped', input, output: job.output };
    }
    try {
      return await this.#segment(job);
    } catch (error) {
      if (alone || signal.aborted || !this.#launched) throw error;
      const message = error instanceof Error ? error.message : String(error);
      report({ kind: 'failed', input, error: message });
      return { status: 'failed', input, error: message };
    }
  }

  async #segment(job: Job): Promise<PredictedFile> {
    const begin = performance.now();
    const placed = await placeOf(job, this.#run, this.#model);
    const shape = this.#microBatchShape(placed.from.size);
    const workers = await this.#workers();
    await this.#check(job, shape, workers);
    const { segmenter } = await this.#launch(shape, workers);
    const labels = await this.#through(segmenter, job, placed);
    const { report } = this.#options;
    report({ kind: 'saved', path: job.output, what: 'segmentation' });
    if (job.probabilities) report({ kind: 'saved', path: job.probabilities, what: 'probabilities' });
    return {
      status: 'done',
      input: job.files[0]!,
      output: job.output,
      size: labels.size,
      classes: this.#count(labels),
      seconds: (performance.now() - begin) / 1000,
    };
  }

  /** Whatever goes wrong on the way leaves tensors of this image in the pipeline: then the next image gets another one. */
  async #through(segmenter: Segmenter, job: Job, placed: Placed): Promise<Volume<Uint8Array>> {
    try {
      return await segmenter.segment(job, placed);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** (batch, …spatial, channels) of what goes through the network at once. */
  #microBatchShape(size: Triple): Shape {
    const { divisor, spatialDims, inChannels } = this.#model;
    const { inference } = this.#run;
    const sliding = inference.mode === 'sliding';
    const box = sliding ? roiFor(size, inference, this.#model) : paddedSize(size, divisor, spatialDims);
    const [nz, ...plane] = tensorShape(box, inChannels);
    if (spatialDims === 3) return [1, nz!, ...plane];
    return [sliding ? nz! : microBatchesOf({ size }, this.#model)[0]!, ...plane];
  }

  /** Throws what can be told before anything is launched. */
  async #check(job: Job, shape: Shape, workers: number): Promise<void> {
    const { divisor, spatialDims, cells } = this.#model;
    const { mode } = this.#run.inference;
    const file = job.files[0]!;
    const spatialSize = shape.slice(1, -1).toReversed();
    const spatialKey = mode === 'sliding' ? 'inference.roi' : file;
    checkPlan({
      ...{ workers, divisor, spatialDims, spatialSize, spatialKey },
      ...{ cells: cells.length, batchSize: 1, microBatches: 1 },
    });
    if (job.probabilities || mode === 'sliding') checkLogits(file, shape, mode, this.#model);
    this.#limits ??= await this.#memory(workers);
    const shortage = shortageOf(forwardBytes(this.#model, this.#run.optimizer, shape, workers), this.#limits);
    if (shortage) throw new ImageDoesNotFitError(file, shape, { ...shortage, mode });
  }

  async #memory(workers: number): Promise<readonly number[]> {
    const { memory } = this.#run.pipeline;
    const devices = assignDevices(workers, await visibleGpus(), this.#run.engine);
    return memory === undefined ? memoryOf(devices) : devices.map(() => memory);
  }

  async #workers(): Promise<number> {
    const asked = this.#run.pipeline.workers;
    return asked === 'auto' ? workersFor(await visibleGpus(), this.#model.cells.length) : asked;
  }

  async #launch(microBatchShape: Shape, workers: number): Promise<{ readonly segmenter: Segmenter }> {
    if (this.#running) return this.#running;
    const { seed, loss, optimizer, pipeline: settings, engine, data, model: spec } = this.#run;
    const { signal, report, runDirectory, weights } = this.#options;
    this.#launched = false;
    const pipeline = await Pipeline.launch({
      ...{ model: spec, seed, loss, optimizer, workers, engine, signal, microBatchShape, microBatches: 1 },
      // Only for the wires: there is no training here, and as many micro-batches as there are windows or slices.
      schedule: schedules.gpipe,
      recompute: settings.recompute === 'auto' ? 'except_last' : settings.recompute,
      batchNorm: settings.batch_norm,
      weights: { file: weights === undefined ? resolve(runDirectory, runFiles.weights) : resolve(weights), prefix: '' },
      loader: { kind: 'images', model: spec, transforms: data.transforms, npy_spacing: data.npy_spacing },
      costs: 'estimated',
      note: (text) => report({ kind: 'note', text }),
    });
    this.#launched = true;
    const progress = (job: Job, done: number, all: number): void =>
      report({ kind: 'windows', input: job.files[0]!, done, all });
    const segmenter = new Segmenter({ run: this.#run, model: this.#model, pipeline, signal, progress });
    this.#running = { pipeline, segmenter };
    return this.#running;
  }

  #count(labels: Volume<Uint8Array>): Readonly<Record<string, number>> {
    const counts = new Uint32Array(256);
    for (const label of labels.values) counts[label]!++;
    return Object.fromEntries(this.#run.data.classes.map((name, index) => [name, counts[index]!]));
  }

  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.pipeline.close();
  }
}

/** The logits of a micro-batch are one message; where only labels come back, they stay at the last stage. */
function checkLogits(file: string, shape: Shape, mode: 'whole' | 'sliding', { outChannels }: Model): void {
  const bytes = 4 * outChannels * shape.slice(0, -1).reduce((product, n) => product * n, 1);
  if (bytes <= DEFAULT_MAX_BYTES) return;
  const size = shape.slice(1, -1).toReversed().join(' × ');
  throw new DataError(
    file,
    `what the network says of ${outChannels} classes in ${mode === 'whole' ? 'an image' : 'a window'} of ${size} voxels takes ` +
      `${(bytes / 2 ** 30).toFixed(1)} GiB, and at most ${DEFAULT_MAX_BYTES / 2 ** 30} GiB go through a link`,
    mode === 'whole' ? 'Ask for probabilities window by window (--mode sliding)' : 'Give smaller windows (--roi)',
  );
}
