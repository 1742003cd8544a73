import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Services } from '../../src/cli/services.ts';
import { lampWith } from './lamp.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamp-predict-'));
  mkdirSync(join(folder, 'run'));
  for (const name of ['run/run.yaml', 'run/weights.safetensors', 'image.nii.gz']) writeFileSync(join(folder, name), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

const predictLike: Services['predict'] = async () => ({
  size: [10, 10, 20],
  classes: { background: 1990, left: 10 },
  seconds: 3,
});

const predict = (output: string, ...words: readonly string[]) =>
  lampWith(
    { predict: predictLike },
    'predict',
    '--run',
    join(folder, 'run'),
    '--input',
    join(folder, 'image.nii.gz'),
    '--output',
    join(folder, output),
    ...words,
  );

test('a prediction is summed up by class', async () => {
  const { code, out } = await predict('segmentation.nii');
  expect(code).toBe(0);
  expect(out).toBe(
    `${['class       voxels', 'background   1,990  99.50%', 'left            10   0.50%'].join('\n')}\n\n` +
      `10 × 10 × 20 voxels in 3 s: ${join(folder, 'segmentation.nii')}\n`,
  );
});

test('--json prints the result as JSON', async () => {
  const { out } = await predict('segmentation.nii', '--json');
  expect(JSON.parse(out)).toMatchObject({ kind: 'result', classes: { left: 10 } });
});

test.each([
  ['segmentation.png', 'give a name that ends in .nii or .nii.gz'],
  ['absent/segmentation.nii', 'there is no folder'],
  ['image.nii.gz', 'that is the input'],
])('the output %s is refused: %s', async (output, message) => {
  const { code, err } = await predict(output);
  expect(err).toContain(message);
  expect(code).toBe(2);
});

test('an output that exists is written over only with --force', async () => {
  writeFileSync(join(folder, 'old.nii'), '');
  expect((await predict('old.nii')).err).toContain('exists already; give another, or --force');
  expect((await predict('old.nii', '--force')).code).toBe(0);
});
