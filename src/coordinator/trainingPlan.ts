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
import { checkPlan } from '../partition/limits.ts';
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
  const load = ({ image, label }: { image: string; label: string }): Promise<Case> =>
    loadCase(
      { image: resolve(baseDirectory, image), label: resolve(baseDirectory, label) },
      { ...data, channels: model.inChannels },
    );
  let largest: readonly [number, number, number] = [0, 0, 0];
  let widest = '';
  for (const files of data.train) {
    const { image } = await load(files);
    const size = sampleSize(image.size, { ...data, divisor: model.divisor });
    if (size[0] * size[1] * size[2] <= largest[0] * largest[1] * largest[2]) continue;
    largest = size;
    widest = files.image;
  }
  const workers = pipeline.workers === 'auto' ? workersFor(await visibleGpus(), model.cells.length) : pipeline.workers;
  checkPlan({
    cells: model.cells.length,
    workers,
    batchSize: training.batch_size,
    microBatches: pipeline.micro_batches,
    spatialSize: largest,
    spatialKey: data.patch_size === 'whole' ? widest : 'data.patch_size',
    spatialDims: model.spatialDims,
    divisor: model.divisor,
    balance: pipeline.balance,
  });
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
  const samples = samplesInEpoch(data.samples_per_epoch, data.train.length, training.batch_size);
  return {
    model,
    workers,
    microBatches,
    microBatchShape: [microBatches[0]!, ...tensorShape(largest, model.inChannels)],
    steps: stepsOfEpoch(samples, training.batch_size),
    validation,
    undeformedDice: undeformed.length > 0 ? meanOf(undeformed).mean : undefined,
  };
}
