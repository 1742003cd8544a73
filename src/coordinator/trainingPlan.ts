import type { CaseSpec, RunFile } from '../config/runFile.ts';
import { caseFiles } from '../data/caseFiles.ts';
import { tensorShape } from '../data/channels.ts';
import { loadCase, loadImage, type Case } from '../data/dataset.ts';
import { samplesInEpoch, stepsOfEpoch } from '../data/order.ts';
import { sampleSize } from '../data/sample.ts';
import { validationCase } from '../data/validation.ts';
import type { Shape } from '../engine/tensor.ts';
import { diceScores, meanOf } from '../metrics/dice.ts';
import type { Model } from '../models/cell.ts';
import { buildModel } from '../models/index.ts';
import { checkPlan, PlanError } from '../partition/limits.ts';
import { chunk } from '../pipeline/microBatch.ts';
import { visibleGpus, workersFor } from './devices.ts';

/** What a run puts through its network, and on how many workers. */
export interface RunShape {
  readonly model: Model;
  readonly workers: number;
  /** (batch, …spatial, channels) of the largest micro-batch; of one sample, where their number is to be chosen. */
  readonly microBatchShape: Shape;
}

/** What is known of a run before any process starts. */
export interface TrainingPlan extends RunShape {
  /** The samples of every step of an epoch. */
  readonly steps: readonly (readonly number[])[];
  /** As validation sees them. */
  readonly validation: readonly Case[];
  /** Mean Dice of the labels as they were before the deformation: what knowing the case by heart would give. */
  readonly undeformedDice: number | undefined;
}

/** Reads and checks all that a run needs, so that what is wrong is told before any worker starts. */
export async function planTraining(run: RunFile, baseDirectory: string): Promise<TrainingPlan> {
  const { data, training } = run;
  const model = buildModel(run.model);
  const load = (files: CaseSpec): Promise<Case> =>
    loadCase(caseFiles(files, baseDirectory), { ...data, channels: model.inChannels });
  const samples: SampleOf[] = syntheticSamples(run);
  for (const files of data.train) {
    const { image, source } = await load(files);
    samples.push({ file: source.file, size: sampleSize(image.size, { ...data, ...model }) });
  }
  const shape = await checkedShape(run, model, samples);
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
    ...shape,
    steps: stepsOfEpoch(perEpoch, training.batch_size),
    validation,
    undeformedDice: undeformed.length > 0 ? meanOf(undeformed).mean : undefined,
  };
}

/** The same shape for a plan or a profile, which reads no image where the run file says the size. */
export async function shapeOfRun(run: RunFile, baseDirectory: string): Promise<RunShape> {
  const { data } = run;
  const model = buildModel(run.model);
  const samples = syntheticSamples(run);
  if (data.patch_size === 'whole')
    for (const entry of data.train) {
      const { images } = caseFiles(entry, baseDirectory);
      const { image, source } = await loadImage(images, { channels: model.inChannels, transforms: data.transforms });
      samples.push({ file: source.file, size: sampleSize(image.size, { ...data, ...model }) });
    }
  else if (samples.length === 0) samples.push({ file: 'data.patch_size', size: triple(data.patch_size) });
  return checkedShape(run, model, samples);
}

/** The shape of the largest sample, and that all of the plan is possible with it. */
async function checkedShape(run: RunFile, model: Model, samples: readonly SampleOf[]): Promise<RunShape> {
  const { data, training, pipeline } = run;
  const voxels = ({ size }: SampleOf): number => size[0] * size[1] * size[2];
  const { size: largest, file } = samples.reduce((a, b) => (voxels(b) > voxels(a) ? b : a));
  const workers = pipeline.workers === 'auto' ? workersFor(await visibleGpus(), model.cells.length) : pipeline.workers;
  const parts = pipeline.micro_batches === 'auto' ? training.batch_size : pipeline.micro_batches;
  checkPlan({
    cells: model.cells.length,
    workers,
    batchSize: training.batch_size,
    microBatches: parts,
    spatialSize: largest.slice(0, model.spatialDims),
    spatialKey: data.synthetic || data.patch_size === 'whole' ? file : 'data.patch_size',
    spatialDims: model.spatialDims,
    divisor: model.divisor,
    balance: pipeline.balance,
  });
  checkSizes(samples, { batchSize: training.batch_size, microBatches: pipeline.micro_batches });
  const [samplesOfOne = 1] = chunk(training.batch_size, parts);
  const shape = tensorShape(largest, model.inChannels);
  return { model, workers, microBatchShape: [samplesOfOne, ...(model.spatialDims === 2 ? shape.slice(1) : shape)] };
}

const syntheticSamples = ({ data }: RunFile): SampleOf[] =>
  data.synthetic ? [{ file: 'data.synthetic', size: triple(data.synthetic) }] : [];

/** What a training image gives: its samples along x, y, z. */
interface SampleOf {
  readonly file: string;
  readonly size: readonly [number, number, number];
}

const triple = ([x = 1, y = 1, z = 1]: readonly number[]): SampleOf['size'] => [x, y, z];

/** Samples of one micro-batch lie in one array, so they have one size; which cases meet in it is drawn. */
function checkSizes(
  [first, ...others]: readonly SampleOf[],
  { batchSize, microBatches }: { batchSize: number; microBatches: number | 'auto' },
): void {
  const odd = others.find(({ size }) => size.join() !== first!.size.join());
  if (!odd || microBatches === batchSize) return;
  const told = ({ file, size }: SampleOf): string => `${file} (${size.join(' × ')})`;
  const problem = `whole images of ${told(first!)} and ${told(odd)} differ in size and cannot share a micro-batch`;
  const remedy = `give ${batchSize}: one sample a micro-batch; or a data.patch_size such as [${sharedSize([first!, ...others]).join(', ')}]`;
  const value = microBatches === 'auto' ? batchSize : microBatches;
  throw new PlanError([{ kind: 'micro-batches', key: 'pipeline.micro_batches', value, problem, remedy }]);
}

/** The largest crop that no image need be padded for. */
const sharedSize = (samples: readonly SampleOf[]): number[] =>
  [0, 1, 2].map((axis) => Math.min(...samples.map(({ size }) => size[axis]!)));
