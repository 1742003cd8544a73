import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { services } from '../../src/cli/services.ts';
import { lampWith, type Ended } from '../cli/lamp.ts';
import { smallRun, writeCase, type SmallRun } from '../support/dataset.ts';
import { childrenOf } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
beforeAll(async () => {
  await writeCase(folder, 'one');
  await writeCase(folder, 'large', [26, 20, 14]);
});

/** What `lamp train` says of a run file that a test has spoiled, having started no process and left no folder. */
async function refusalOf(spoil: (run: SmallRun) => void, ...words: readonly string[]): Promise<Ended> {
  const run = smallRun();
  spoil(run);
  const file = join(folder, 'run.yaml');
  writeFileSync(file, stringify(run));
  const output = mkdtempSync(join(folder, 'runs-'));
  const ended = await lampWith(services, 'train', file, '--output', output, ...words);
  expect(readdirSync(output)).toEqual([]);
  expect(childrenOf(process.pid).filter(({ title }) => title.includes('lamp'))).toEqual([]);
  return ended;
}

it.each<[what: string, spoil: (run: SmallRun) => void, words: readonly string[], parts: readonly string[]]>([
  [
    'more workers than cells',
    () => {},
    ['--workers', '13'],
    ['pipeline.workers: 13 workers', "the model's 12 cells", 'allowed are 1 to 12: --workers 12'],
  ],
  [
    'a patch that cannot be halved',
    (run) => (run.data.patch_size = [16, 18, 12]),
    [],
    ['data.patch_size', '[16, 18, 12] cannot be halved 2 times', 'give multiples of 4, such as'],
  ],
  [
    'an image that is not there',
    (run) => (run.data.train[0]!.image = 'two.nii.gz'),
    [],
    ['data.train[0].image', `there is no file ${join(folder, 'two.nii.gz')}`, "relative to the run file's folder"],
  ],
  [
    'an image that is no image',
    (run) => {
      mkdirSync(join(folder, 'bad'), { recursive: true });
      writeFileSync(join(folder, 'bad', 'one.nii.gz'), 'not at all');
      run.data.train[0]!.image = 'bad/one.nii.gz';
    },
    [],
    [join(folder, 'bad', 'one.nii.gz')],
  ],
  [
    'more micro-batches than samples',
    () => {},
    ['--micro-batches', '3'],
    ['pipeline.micro_batches', '3 micro-batches out of 2 samples', 'give at most 2, or a larger training.batch_size'],
  ],
  [
    'whole images of different size in one micro-batch',
    (run) => {
      run.data.train.push({ image: 'large.nii.gz', label: 'large-label.nii.gz' });
      run.data.patch_size = 'whole';
    },
    ['--micro-batches', '1'],
    [
      'pipeline.micro_batches: whole images of',
      'one.nii.gz (20 × 20 × 16) and',
      'large.nii.gz (28 × 20 × 16) differ in size and cannot share a micro-batch',
      'give 2: one sample a micro-batch; or a data.patch_size such as [20, 20, 16]',
    ],
  ],
  [
    'a model for other channels',
    (run) => Object.assign(run.model, { in_channels: 2 }),
    [],
    [join(folder, 'one.nii.gz'), 'the image has 1 channels', 'the model takes 2'],
  ],
  [
    'a balance that leaves cells out',
    () => {},
    ['--set', 'pipeline.balance=[5, 5]'],
    ['pipeline.balance: [5, 5] adds up to 10 cells, but the model has 12', 'such as [6, 6]'],
  ],
])('%s is told before any worker starts', async (_, spoil, words, parts) => {
  const { code, err } = await refusalOf(spoil, ...words);
  for (const part of parts) expect(err).toContain(part);
  expect(code).toBe(2);
});
