import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRunFile } from '../../src/config/loadRunFile.ts';
import { predict } from '../../src/coordinator/predict.ts';
import { train } from '../../src/coordinator/train.ts';
import { readNifti } from '../../src/data/nifti/read.ts';
import { writeResolvedRun } from '../../src/telemetry/runDirectory.ts';
import type { TrainEvent } from '../../src/telemetry/trainEvent.ts';
import { smallRun, writeRun } from '../support/dataset.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const signal = new AbortController().signal;

/** A network of two axes on the slices of a volume; the validation image is as it is. */
function runOf(name: string, model: object, training: object): ReturnType<typeof parseRunFile> {
  const { data, ...rest } = smallRun();
  return parseRunFile(
    JSON.stringify({
      ...rest,
      name,
      model: { out_channels: 3, spatial_dims: 2, ...model },
      data: { ...data, patch_size: 'whole', samples_per_epoch: 24, augment: {} },
      training: { epochs: 4, batch_size: 6, validate_every: 2, ...training },
      pipeline: { workers: 2, micro_batches: 2 },
    }),
    'run.yaml',
  );
}

describe.each([
  ['unetpipe', { name: 'unetpipe', n_feat: 8, depth: 1 }, {}],
  [
    'coplenet with a teacher',
    { name: 'coplenet', feature_channels: [4, 8, 16, 32, 64] },
    { self_ensembling: { result: 'student' } },
  ],
])('%s', (title, model, training) => {
  it('trains on slices, and segments a volume slice by slice as validation did', { timeout: 120_000 }, async () => {
    await writeRun(folder);
    const run = runOf(title.replaceAll(' ', '-'), model, training);
    const directory = join(folder, run.name);
    mkdirSync(directory);
    writeResolvedRun(directory, run, folder);
    const losses: number[] = [];
    const report = (event: TrainEvent): void => void (event.kind === 'step' && losses.push(event.loss));
    const { meanDice } = await train({ run, directory, baseDirectory: folder, signal, report });
    const third = Math.floor(losses.length / 3);
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    expect(sum(losses.slice(-third))).toBeLessThan(0.95 * sum(losses.slice(0, third)));
    expect(meanDice).toBeGreaterThan(0);

    const output = join(folder, `${run.name}.nii.gz`);
    await predict({ runDirectory: directory, input: join(folder, 'one.nii.gz'), output, signal, report: () => {} });
    const [seen, predicted] = await Promise.all([readNifti(join(directory, 'segmentation.nii.gz')), readNifti(output)]);
    expect(predicted.volume.size).toEqual([18, 20, 14]);
    expect(predicted.volume.affine).toEqual(seen.volume.affine);
    expect(predicted.volume.values).toEqual(seen.volume.values);
  });
});
