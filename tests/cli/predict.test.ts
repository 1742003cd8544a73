import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PredictedFile, Services } from '../../src/cli/services.ts';
import { lampWith } from './lamp.ts';

type Asked = Parameters<Services['predict']>[0];

let folder: string;
let asked: Asked | undefined;
beforeEach(() => {
  asked = undefined;
  folder = mkdtempSync(join(tmpdir(), 'lamp-predict-'));
  for (const name of ['run', 'images', 'segmentations']) mkdirSync(join(folder, name));
  for (const name of ['run/run.yaml', 'run/weights.safetensors', 'image.nii.gz']) writeFileSync(join(folder, name), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

const done = (input: string, output: string): PredictedFile => ({
  ...{ status: 'done', input, output, seconds: 3 },
  size: [10, 10, 20],
  classes: { background: 1990, left: 10 },
});

/** Answers with these files, or with the one that was asked for. */
const predictLike =
  (files?: readonly PredictedFile[]): Services['predict'] =>
  async (options) => {
    asked = options;
    options.report({ kind: 'windows', input: options.input, done: 1, all: 2 });
    return { files: files ?? [done(options.input, options.output)], seconds: 4 };
  };

const predict = (
  { input = 'image.nii.gz', output, files }: { input?: string; output: string; files?: readonly PredictedFile[] },
  ...words: readonly string[]
) =>
  lampWith(
    { predict: predictLike(files) },
    ...['predict', '--run', join(folder, 'run')],
    ...['--input', join(folder, input), '--output', join(folder, output), ...words],
  );

describe('one image', () => {
  test('is summed up by class', async () => {
    const { code, out } = await predict({ output: 'segmentation.nii' });
    expect(code).toBe(0);
    expect(out).toBe(
      `${['class       voxels', 'background   1,990  99.50%', 'left            10   0.50%'].join('\n')}\n\n` +
        `10 × 10 × 20 voxels in 3 s: ${join(folder, 'segmentation.nii')}\n`,
    );
  });

  test('with --json comes out as JSON, event by event', async () => {
    const { out } = await predict({ output: 'segmentation.nii' }, '--json');
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { kind: 'windows', done: 1, all: 2 },
      { kind: 'result', files: [{ status: 'done', classes: { left: 10 } }] },
    ]);
  });

  test.each([
    ['segmentation.png', 'give a name that ends in .nii or .nii.gz'],
    ['absent/segmentation.nii', 'there is no folder'],
    ['image.nii.gz', 'that is the input'],
  ])('is not written as %s: %s', async (output, message) => {
    const { code, err } = await predict({ output });
    expect(err).toContain(message);
    expect(code).toBe(2);
  });

  test('is written over only with --force', async () => {
    writeFileSync(join(folder, 'old.nii'), '');
    expect((await predict({ output: 'old.nii' })).err).toContain('exists already; give another, or --force');
    expect((await predict({ output: 'old.nii' }, '--force')).code).toBe(0);
    expect(asked?.force).toBe(true);
  });

  test('is not segmented with weights that are not there', async () => {
    const { code, err } = await predict({ output: 'new.nii' }, '--weights', join(folder, 'absent.safetensors'));
    expect([code, err]).toEqual([2, expect.stringContaining('there is no such file')]);
  });
});

describe('a folder', () => {
  test('that has an image which failed ends with 1, and names it last', async () => {
    const files: readonly PredictedFile[] = [
      done('a.nii', 'out/a.nii'),
      { status: 'skipped', input: 'b.nii', output: 'out/b.nii' },
      { status: 'failed', input: 'c.nii', error: 'c.nii: the file is cut short' },
      { status: 'failed', input: 'd.nii', error: 'worker 0 failed' },
    ];
    const { code, out } = await predict({ input: 'images', output: 'segmentations', files });
    expect(code).toBe(1);
    expect(out).toBe(
      '\n1 done, 1 skipped, 2 failed in 4 s\n\nnot segmented:\n  c.nii: the file is cut short\n  d.nii: worker 0 failed\n',
    );
  });

  test('is not written to a file, nor to itself', async () => {
    expect((await predict({ input: 'images', output: 'image.nii.gz' })).err).toContain('give a folder');
    expect((await predict({ input: 'images', output: 'images' })).err).toContain('give another folder');
  });
});

describe('options', () => {
  test('become keys of the section inference, and imply windows', async () => {
    const words = ['--roi', 'whole,whole,20', '--overlap', '0', '--padding-mode', 'circular', '--sw-batch-size', '2'];
    await predict({ output: 'new.nii' }, ...words, '--workers', '2', '--probabilities');
    expect(asked?.overrides).toEqual([
      'pipeline.workers=2',
      'inference.mode=sliding',
      'inference.roi=[whole,whole,20]',
      'inference.overlap=0',
      'inference.padding_mode=circular',
      'inference.sw_batch_size=2',
    ]);
    expect(asked?.probabilities).toBe(true);
  });

  test('for windows cannot stand beside --mode whole', async () => {
    const { code, err } = await predict({ output: 'new.nii' }, '--mode', 'whole', '--blend', 'gaussian');
    expect([code, err]).toEqual([2, expect.stringContaining('--blend is for windows, and --mode is whole')]);
  });

  test('are none where none is given', async () => {
    await predict({ output: 'new.nii' });
    expect(asked?.overrides).toEqual([]);
  });
});
