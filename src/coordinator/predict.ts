import { resolve, join } from 'node:path';
import { loadRunFile } from '../config/loadRunFile.ts';
import type { EngineSpec } from '../config/runFile.ts';
import { tensorShape } from '../data/channels.ts';
import { loadImage } from '../data/dataset.ts';
import { writeNifti } from '../data/nifti/write.ts';
import { paddedSize } from '../data/pad.ts';
import { labelsOf } from '../data/wholeImage.ts';
import { buildModel } from '../models/index.ts';
import { checkPlan } from '../partition/limits.ts';
import { schedules } from '../pipeline/schedules.ts';
import { runFiles } from '../telemetry/runDirectory.ts';
import type { TrainEvent } from '../telemetry/trainEvent.ts';
import { visibleGpus, workersFor } from './devices.ts';
import { Pipeline } from './pipeline.ts';

export interface PredictOptions {
  /** Folder of a run: its run file and its weights. */
  readonly runDirectory: string;
  readonly input: string;
  readonly output: string;
  /** As in the run unless given. */
  readonly workers?: number;
  readonly engine?: EngineSpec['name'];
  readonly signal: AbortSignal;
  readonly report: (event: TrainEvent) => void;
}

export interface PredictResult {
  /** Along x, y, z. */
  readonly size: readonly number[];
  /** Voxels of every class. */
  readonly classes: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Segments an image whole, through the pipeline, and writes the label map on the image's own grid. */
export async function predict(options: PredictOptions): Promise<PredictResult> {
  const begin = performance.now();
  const { run } = loadRunFile(join(options.runDirectory, runFiles.run), [], { checkFiles: false });
  const model = buildModel(run.model);
  const file = resolve(options.input);
  const { transforms } = run.data;
  const { image, source } = await loadImage([file], { channels: model.inChannels, transforms });
  const size = paddedSize(image.size, model.divisor);
  const asked = options.workers ?? run.pipeline.workers;
  const workers = asked === 'auto' ? workersFor(await visibleGpus(), model.cells.length) : asked;
  const { cells, divisor, spatialDims } = { ...model, cells: model.cells.length };
  checkPlan({
    cells,
    workers,
    batchSize: 1,
    microBatches: 1,
    spatialSize: size,
    spatialKey: file,
    spatialDims,
    divisor,
  });
  const { seed, loss, optimizer, pipeline: settings, engine } = run;
  const note = (text: string): void => options.report({ kind: 'note', text });
  const pipeline = await Pipeline.launch({
    ...{ model: run.model, seed, loss, optimizer, workers, signal: options.signal, note },
    // Only for the wires: there is no training here, and one micro-batch on any number of workers.
    schedule: schedules.gpipe,
    recompute: settings.recompute === 'auto' ? 'except_last' : settings.recompute,
    batchNorm: settings.batch_norm,
    engine: options.engine === undefined ? engine : { ...engine, name: options.engine },
    weights: { file: resolve(options.runDirectory, runFiles.weights), prefix: '' },
    loader: { kind: 'images', model: run.model, transforms },
    microBatchShape: [1, ...tensorShape(size, model.inChannels)],
    microBatches: 1,
    costs: 'estimated',
  });
  try {
    const [output] = await pipeline.evaluate({ step: 0, source: { kind: 'image', file }, microBatches: [1] }, 'labels');
    const labels = labelsOf(image, model, [output!.values as Uint8Array]);
    await writeNifti(options.output, labels, { type: 'uint8', like: source });
    options.report({ kind: 'saved', path: options.output, what: 'segmentation' });
    const counts = new Array<number>(run.data.classes.length).fill(0);
    for (const label of labels.values) counts[label]!++;
    const classes = Object.fromEntries(run.data.classes.map((name, index) => [name, counts[index]!]));
    return { size: image.size, classes, seconds: (performance.now() - begin) / 1000 };
  } finally {
    await pipeline.close();
  }
}
