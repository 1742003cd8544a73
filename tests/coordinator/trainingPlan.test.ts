import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runFileSchema, type RunFile } from '../../src/config/runFile.ts';
import { planTraining, shapeOfRun } from '../../src/coordinator/trainingPlan.ts';
import { smallRun, writeCase } from '../support/dataset.ts';
import { niftiFile } from '../support/niftiFile.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();

/** A file whose header promises so many voxels of a byte, which are all there and take no room: nobody could hold them as floats. */
function writeHoles(name: string, size: readonly [number, number, number]): void {
  const file = join(folder, name);
  writeFileSync(file, niftiFile({ dim: size }));
  truncateSync(file, 352 + size[0] * size[1] * size[2]);
}

const large = [2048, 2048, 900] as const;
writeHoles('huge.nii', large);
writeHoles('huge-label.nii', large);
writeHoles('odd-label.nii', [2048, 2048, 901]);

const runOf = (data: object, training: object = {}): RunFile => {
  const run = smallRun();
  return runFileSchema.parse({
    ...run,
    data: { ...run.data, validation: [], ...data },
    training: { ...run.training, ...training },
    pipeline: { workers: 2 },
  });
};
const huge = [{ image: 'huge.nii', label: 'huge-label.nii' }];

describe('what a run needs is checked by headers alone', () => {
  it('where the run file says the size of samples', async () => {
    const { microBatchShape, steps } = await planTraining(runOf({ train: huge }), folder);
    expect(microBatchShape).toEqual([1, 12, 16, 16, 1]);
    expect(steps).toHaveLength(4);
  });

  it('where samples are whole images and no transform changes their size', async () => {
    const run = runOf({ train: huge, patch_size: 'whole', samples_per_epoch: 2 });
    expect((await planTraining(run, folder)).microBatchShape).toEqual([1, 900, 2048, 2048, 1]);
  });

  it('where the crops are those of a transform', async () => {
    const transforms = [
      { name: 'CropForeground' },
      { name: 'RandCropByPosNegLabel', spatial_size: [10, 12, 8] },
      { name: 'RandFlip' },
    ];
    const { microBatchShape } = await planTraining(runOf({ train: huge, patch_size: 'whole', transforms }), folder);
    // Padded to multiples of 4.
    expect(microBatchShape).toEqual([1, 8, 12, 12, 1]);
  });

  it('and so are the validation cases', async () => {
    const validation = [{ image: 'huge.nii', label: 'odd-label.nii' }];
    await expect(planTraining(runOf({ train: huge, validation }), folder)).rejects.toThrow(
      /odd-label\.nii.*2048 × 2048 × 901.*2048 × 2048 × 900/s,
    );
  });

  it('a label on another grid is told, and an image for another network', async () => {
    const train = [{ image: 'huge.nii', label: 'odd-label.nii' }];
    await expect(planTraining(runOf({ train }), folder)).rejects.toThrow('odd-label.nii');
    const run = runOf({ train: [{ image: ['huge.nii', 'huge.nii'], label: 'huge-label.nii' }] });
    await expect(planTraining(run, folder)).rejects.toThrow('the image has 2 channels');
  });
});

it('images are read where their size follows from their voxels', async () => {
  await writeCase(folder, 'one');
  const transforms = [{ name: 'SpatialPad', spatial_size: [30, 22, 10] }];
  const run = runOf({ patch_size: 'whole', transforms });
  const { microBatchShape } = await planTraining(run, folder);
  expect(microBatchShape).toEqual([1, 16, 24, 32, 1]);
  expect((await shapeOfRun(run, folder)).microBatchShape).toEqual(microBatchShape);
});

it('whole images of several sizes are planned for the largest, if each is a micro-batch', async () => {
  await writeCase(folder, 'large', [26, 20, 14]);
  const train = ['one', 'large', 'one'].map((name) => ({ image: `${name}.nii.gz`, label: `${name}-label.nii.gz` }));
  const run = runOf({ train, patch_size: 'whole' }, { batch_size: 3 });
  expect((await planTraining(run, folder)).microBatchShape).toEqual([1, 16, 20, 28, 1]);
  const shared = { ...run, pipeline: { ...run.pipeline, micro_batches: 2 } };
  await expect(planTraining(shared, folder)).rejects.toThrow('differ in size and cannot share a micro-batch');
});
