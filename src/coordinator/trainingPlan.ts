import { resolve } from 'node:path';
import type { RunFile } from '../config/runFile.ts';
import { tensorShape } from '../data/channels.ts';
import { loadCase, type Case } from '../data/dataset.ts';
import { samplesInEpoch, stepsOfEpoch } from '../data/order.ts';
import { sampleSize } from '../data/sample.ts';
import { validationCase } from '../data/validation.ts';
import type { Shape } from '../engine/tensor.ts';
import { diceScores, meanOf } from '../metrics/dice.ts';
import type { Model } from '../models/cell.ts';
import { buildModel } from '../models/index.ts';
import { checkPlan, PlanError, type PlanFault } from '../partition/limits.ts';
import { chunk } from '../pipeline/microBatch.ts';
import { visibleGpus, workersFor } from './devices.ts';

/** What is known of a run before any process starts. */
export interface TrainingPlan {
  readonly model: Model;
  readonly workers: number;
  /** Samples of every micro-batch. */
  readonly microBatches: readonly number[];
  /** (batch, …spatial, channels) of the largest micro-batch. */
  readonly microBatchShape: Shape;
  /** The samples of every step of an epoch. */
  readonly steps: readonly (readonly number[])[];
  /** As validation sees them. */
  readonly validation: readonly Case[];
  /** Mean Dice of the labels as they were before the deformation: what knowing the case by heart would give. */
  readonly undeformedDice: number | undefined;
}

/** Reads and checks all that a run needs, so that what is wrong is told before any worker starts. */
export async function planTraining(run: RunFile, baseDirectory: string): Promise<TrainingPlan> {
  const { data, training, pipeline } = run;
  const model = buildModel(run.model);
  if (model.spatialDims !== 3) throw new PlanError([flatModel]);
  const load = ({ image, label }: { image: string; label: string }): Promise<Case> =>
    loadCase(
      { image: resolve(baseDirectory, image), label: resolve(baseDirectory, label) },
      { ...data, channels: model.inChannels },
    );
  const samples: SampleOf[] = data.synthetic ? [{ file: 'data.synthetic', size: triple(data.synthetic) }] : [];
  for (const files of data.train) {
    const { image } = await load(files);
    samples.push({ file: files.image, size: sampleSize(image.size, { ...data, divisor: model.divisor }) });
  }
  const voxels = ({ size }: SampleOf): number => size[0] * size[1] * size[2];
  const { size: largest, file } = samples.reduce((a, b) => (voxels(b) > voxels(a) ? b : a));
  const workers = pipeline.workers === 'auto' ? workersFor(await visibleGpus(), model.cells.length) : pipeline.workers;
  checkPlan({
    cells: model.cells.length,
    workers,
    batchSize: training.batch_size,
    microBatches: pipeline.micro_batches,
    spatialSize: largest,
    spatialKey: data.synthetic || data.patch_size === 'whole' ? file : 'data.patch_size',
    spatialDims: model.spatialDims,
    divisor: model.divisor,
    balance: pipeline.balance,
  });
  checkSizes(samples, training.batch_size);
  const microBatches = chunk(training.batch_size, pipeline.micro_batches);
  const validation: Case[] = [];
  const undeformed: number[] = [];
  for (const [number, files] of data.validation.entries()) {
    const source = await load(files);
    const seen = validationCase(source, data, { seed: run.seed, number });
    validation.push(seen);
    if (seen !== source) {
      undeformed.push(diceScores(source.labels.values, seen.labels.values, { classes: data.classes.length }).mean);
    }
  }
  const perEpoch = samplesInEpoch(data.samples_per_epoch, Math.max(1, data.train.length), training.batch_size);
  return {
    model,
    workers,
    microBatches,
    microBatchShape: [microBatches[0]!, ...tensorShape(largest, model.inChannels)],
    steps: stepsOfEpoch(perEpoch, training.batch_size),
    validation,
    undeformedDice: undeformed.length > 0 ? meanOf(undeformed).mean : undefined,
  };
}

/** What a training image gives: its samples along x, y, z. */
interface SampleOf {
  readonly file: string;
  readonly size: readonly [number, number, number];
}

const triple = ([x = 1, y = 1, z = 1]: readonly number[]): SampleOf['size'] => [x, y, z];

const flatModel: PlanFault = {
  kind: 'spatial axes',
  key: 'model.spatial_dims',
  value: 2,
  problem: '2, but images and their crops are volumes',
  remedy: 'set model.spatial_dims to 3: slices cannot be trained on yet',
};

/** Samples of one mini-batch lie in one array, so they have one size. */
function checkSizes([first, ...others]: readonly SampleOf[], batchSize: number): void {
  const odd = others.find(({ size }) => size.join() !== first!.size.join());
  if (!odd || batchSize === 1) return;
  const told = ({ file, size }: SampleOf): string => `${file} (${size.join(' × ')})`;
  const problem = `${batchSize} samples cannot share a mini-batch: whole images of ${told(first!)} and ${told(odd)} differ in size`;
  const remedy = `give 1, or a data.patch_size such as [${sharedSize([first!, ...others]).join(', ')}]`;
  throw new PlanError([{ kind: 'batch size', key: 'training.batch_size', value: batchSize, problem, remedy }]);
}

/** The largest crop that no image need be padded for. */
const sharedSize = (samples: readonly SampleOf[]): number[] =>
  [0, 1, 2].map((axis) => Math.min(...samples.map(({ size }) => size[axis]!)));
