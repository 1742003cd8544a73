import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PHANTOM_CLASSES } from '../../src/data/phantom/structures.ts';
import { readNifti } from '../../src/data/nifti/read.ts';
import { lampWith } from './lamp.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lamp-phantom-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const phantom = (output: string, ...words: readonly string[]) =>
  lampWith({}, 'phantom', '--output', output, '--size', '24', '--cases', '2', '--test', '1', ...words);

const contents = (directory: string): Record<string, Buffer> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file.slice(directory.length + 1), readFileSync(file)]),
  );

test('a Decathlon folder is written, with labels of its test cases beside', async () => {
  const output = join(folder, 'phantoms');
  const { code, out } = await phantom(output, '--spacing', '8,9.5,9');
  expect(code).toBe(0);
  expect(out).toMatch(/^phantom_000 \(1 of 3\)[^]*\n[^]*3 heads of 24 × 24 × 24 voxels in \d+ s: .*phantoms\n$/);
  const description = JSON.parse(readFileSync(join(output, 'dataset.json'), 'utf8')) as Record<string, never>;
  expect(Object.values(description['labels']!)).toEqual([...PHANTOM_CLASSES]);
  expect(description['training']).toEqual([
    { image: './imagesTr/phantom_000.nii.gz', label: './labelsTr/phantom_000.nii.gz' },
    { image: './imagesTr/phantom_001.nii.gz', label: './labelsTr/phantom_001.nii.gz' },
  ]);
  expect(description['test']).toEqual(['./imagesTs/phantom_002.nii.gz']);
  const { volume } = await readNifti(join(output, 'labelsTs', 'phantom_002.nii.gz'));
  expect([volume.size, volume.affine[1]?.[1]]).toEqual([[24, 24, 24], 9.5]);
});

test('organs that a coarse grid loses are named', async () => {
  const { out } = await phantom(join(folder, 'coarse'), '--size', '8');
  expect(out).toMatch(/^phantom_000 \(1 of 3\): too coarse for .*OpticNerve_L/);
});

test('the same seed writes the same files, another one others', async () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(folder, name)) as [string, string, string];
  await phantom(a);
  await phantom(b);
  await phantom(c, '--seed', '7');
  expect(contents(b)).toEqual(contents(a));
  expect(contents(c)['imagesTr/phantom_000.nii.gz']).not.toEqual(contents(a)['imagesTr/phantom_000.nii.gz']);
});

test('a folder that holds something is left alone', async () => {
  await phantom(folder);
  expect(await phantom(folder)).toMatchObject({ code: 2, err: expect.stringContaining('holds something already') });
  expect((await phantom(folder, '--force')).code).toBe(0);
});

test.each([
  ['--size', '64,64'],
  ['--size', '4'],
  ['--size', '64,,64'],
  ['--spacing', '0'],
  ['--noise', '-1'],
  ['--bias', '1'],
  ['--cases', '0'],
  ['--seed', '1.5'],
])('%s %s is refused', async (option, value) => {
  const { code, err } = await lampWith({}, 'phantom', '--output', join(folder, 'new'), option, value);
  expect([code, readdirSync(folder)]).toEqual([2, []]);
  expect(err).toContain(option);
});
