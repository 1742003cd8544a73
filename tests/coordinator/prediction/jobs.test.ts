import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { isDone, jobsOf } from '../../../src/coordinator/prediction/jobs.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const root = temporaryFolder();
let count = 0;
let input: string;
let output: string;
beforeEach(() => {
  input = join(root, `in-${count}`);
  output = join(root, `out-${count++}`);
  mkdirSync(input);
});

const put = (...names: readonly string[]): void => names.forEach((name) => writeFileSync(join(input, name), ''));
const jobs = (channels = 1, probabilities = false) => jobsOf({ input, output, channels, probabilities });

describe('the images of a folder', () => {
  it('come by name, each with an output of that name, and nothing else is taken for one', async () => {
    put('b.nii.gz', 'a.nii', 'c.npy', 'readme.txt', 'd.nii.gz.part');
    const found = await jobs();
    expect(found.map(({ files }) => files)).toEqual([
      ...[[join(input, 'a.nii')], [join(input, 'b.nii.gz')], [join(input, 'c.npy')]],
    ]);
    expect(found.map((job) => basename(job.output))).toEqual(['a.nii', 'b.nii.gz', 'c.nii.gz']);
    expect(statSync(output).isDirectory()).toBe(true);
  });

  it('are put together from files of a channel each, where the network takes several', async () => {
    put('p1_0000.nii.gz', 'p1_0001.nii.gz', 'p2_0001.nii.gz', 'p2_0000.nii.gz', 'other.nii');
    const found = await jobs(2);
    expect(found.map(({ files }) => files.map((file) => basename(file)))).toEqual([
      ['other.nii'],
      ['p1_0000.nii.gz', 'p1_0001.nii.gz'],
      ['p2_0000.nii.gz', 'p2_0001.nii.gz'],
    ]);
    expect(found.map((job) => basename(job.output))).toEqual(['other.nii', 'p1.nii.gz', 'p2.nii.gz']);
    expect((await jobs(1)).length).toBe(5);
  });

  it('are done when everything that was asked for is there', async () => {
    put('a.nii.gz');
    const [job] = await jobs(1, true);
    writeFileSync(job!.output, '');
    expect(isDone(job!)).toBe(false);
    expect(basename(job!.probabilities!)).toBe('a_probabilities.nii.gz');
    writeFileSync(job!.probabilities!, '');
    expect(isDone(job!)).toBe(true);
  });
});

describe('what cannot be', () => {
  it('a folder without images', async () => {
    put('notes.txt');
    await expect(jobs()).rejects.toThrow('there is no image in it; images end in .nii, .nii.gz or .npy');
  });

  it('two images that would be written as one file', async () => {
    put('a.npy', 'a.nii.gz');
    await expect(jobs()).rejects.toThrow(/a\.nii\.gz and a\.npy would both be written as .*a\.nii\.gz: rename one/);
  });

  it('results in the folder of the images', async () => {
    put('a.nii');
    await expect(jobsOf({ input, output: `${input}/.`, channels: 1, probabilities: false })).rejects.toThrow(
      'that is the folder of the images; give another',
    );
  });
});
