import type { RunFile } from '../config/runFile.ts';
import { caseFiles } from '../data/caseFiles.ts';
import { caseHeader } from '../data/caseHeaders.ts';
import { tensorShape } from '../data/channels.ts';
import { samplesInEpoch, stepsOfEpoch } from '../data/order.ts';
import type { Shape } from '../engine/tensor.ts';
import type { Model } from '../models/cell.ts';
import { buildModel } from '../models/index.ts';
import { checkPlan, PlanError } from '../partition/limits.ts';
import { chunk } from '../pipeline/microBatch.ts';
import { visibleGpus, workersFor } from './devices.ts';
import { patchSizes, sizesOfCases, syntheticSizes, type SampleSize } from './sampleSizes.ts';

/** What a run puts through its network, and on how many workers. */
export interface RunShape {
  readonly model: Model;
  readonly workers: number;
  /** (batch, …spatial, channels) of the largest micro-batch; of one sample, where their number is to be chosen. */
  readonly microBatchShape: Shape;
}

/** What is known of a run, or of a phase of one, before any process starts. */
export interface TrainingPlan extends RunShape {
  /** The samples of every step of an epoch. */
  readonly steps: readonly (readonly number[])[];
}

/** Checks all that a run needs, by the headers of its images, so that what is wrong is told before any worker starts. */
export async function planTraining(run: RunFile, baseDirectory: string): Promise<TrainingPlan> {
  const { data, training } = run;
  const model = buildModel(run.model);
  const samples = [...syntheticSizes(run), ...(await sizesOfCases(run, model, baseDirectory))];
  const shape = await checkedShape(run, model, samples);
  for (const entry of data.validation) {
    await caseHeader(caseFiles(entry, baseDirectory), { ...data, channels: model.inChannels });
  }
  const perEpoch = samplesInEpoch(data.samples_per_epoch, Math.max(1, data.train.length), training.batch_size);
  return { ...shape, steps: stepsOfEpoch(perEpoch, training.batch_size) };
}

/** The same shape for a plan or a profile, which looks at no image where the run file says the size. */
export async function shapeOfRun(run: RunFile, baseDirectory: string): Promise<RunShape> {
  const model = buildModel(run.model);
  const said = [...syntheticSizes(run), ...patchSizes(run)].slice(0, 1);
  return checkedShape(run, model, said.length > 0 ? said : await sizesOfCases(run, model, baseDirectory));
}

/** The shape of the largest sample, and that all of the plan is possible with it. */
async function checkedShape(run: RunFile, model: Model, samples: readonly SampleSize[]): Promise<RunShape> {
  const { data, training, pipeline } = run;
  const voxels = ({ size }: SampleSize): number => size[0] * size[1] * size[2];
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

/** Samples of one micro-batch lie in one array, so they have one size; which cases meet in it is drawn. */
function checkSizes(
  [first, ...others]: readonly SampleSize[],
  { batchSize, microBatches }: { batchSize: number; microBatches: number | 'auto' },
): void {
  const odd = others.find(({ size }) => size.join() !== first!.size.join());
  if (!odd || microBatches === batchSize) return;
  const told = ({ file, size }: SampleSize): string => `${file} (${size.join(' × ')})`;
  const problem = `whole images of ${told(first!)} and ${told(odd)} differ in size and cannot share a micro-batch`;
  const remedy = `give ${batchSize}: one sample a micro-batch; or a data.patch_size such as [${sharedSize([first!, ...others]).join(', ')}]`;
  const value = microBatches === 'auto' ? batchSize : microBatches;
  throw new PlanError([{ kind: 'micro-batches', key: 'pipeline.micro_batches', value, problem, remedy }]);
}

/** The largest crop that no image need be padded for. */
const sharedSize = (samples: readonly SampleSize[]): number[] =>
  [0, 1, 2].map((axis) => Math.min(...samples.map(({ size }) => size[axis]!)));
