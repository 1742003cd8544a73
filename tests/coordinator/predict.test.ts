import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { predict, type PredictOptions } from '../../src/coordinator/predict.ts';
import { spacingOf } from '../../src/data/affine.ts';
import { readNifti } from '../../src/data/nifti/read.ts';
import { writeNifti } from '../../src/data/nifti/write.ts';
import type { PredictEvent } from '../../src/telemetry/predictEvent.ts';
import { npyFile } from '../support/npyFile.ts';
import { childCalled } from '../support/processes.ts';
import { smallRun, writeCase } from '../support/dataset.ts';
import { writeRandomRun } from '../support/randomRun.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { floatVolume } from '../support/volumes.ts';

const folder = temporaryFolder();
const timeout = 60_000;
const images = join(folder, 'images');
const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  mkdirSync(images);
  await writeRandomRun(path('run'), smallRun());
  const { model, data, ...others } = smallRun();
  const flat = { ...others, model: { ...model, spatial_dims: 2 }, data: { ...data, patch_size: [16, 16] } };
  await writeRandomRun(path('run2d'), flat);
  await writeCase(folder, 'one', [18, 20, 14]);
  await writeCase(folder, 'two', [13, 9, 21]);
  await writeNifti(
    join(images, 'slice.nii'),
    floatVolume([9, 10, 1], (x, y) => x * y + 1),
  );
  const nan = floatVolume([8, 8, 8], (x) => (x === 3 ? Number.NaN : 1));
  await writeNifti(join(images, 'nan.nii'), nan);
  await writeNifti(
    join(images, 'series.nii'),
    floatVolume([6, 6, 6], (x) => x, { channels: 3 }),
  );
  const packed = readFileSync(path('one.nii.gz'));
  for (const name of ['one', 'two'])
    writeFileSync(join(images, `${name}.nii.gz`), readFileSync(path(`${name}.nii.gz`)));
  writeFileSync(join(images, 'broken.nii.gz'), packed.subarray(0, packed.length / 2));
  const values = Array.from({ length: 7 * 6 * 5 }, (_, i) => (i % 37) + 1);
  writeFileSync(join(images, 'array.npy'), npyFile({ descr: '<i2', shape: [5, 6, 7], values }));
  writeFileSync(join(images, 'notes.txt'), 'no image');
});

const run = async (options: Partial<PredictOptions> & Pick<PredictOptions, 'input' | 'output'>) => {
  const events: PredictEvent[] = [];
  const result = await predict({
    runDirectory: path('run'),
    signal: AbortSignal.timeout(timeout),
    report: (event) => events.push(event),
    ...options,
  });
  return { ...result, events };
};

const segment = async (name: string, output: string, overrides: readonly string[], runName = 'run') => {
  await run({ input: path(`${name}.nii.gz`), output: path(output), overrides, runDirectory: path(runName) });
  return (await readNifti(path(output))).volume;
};

const windows = ['inference.mode=sliding', 'inference.roi=[8, 12, 8]'];

describe.each([1, 2])('a folder of images on %i workers', (workers) => {
  const output = (): string => path(`out-${workers}`);
  const overrides = [`pipeline.workers=${workers}`, 'data.npy_spacing=[1, 1, 2]', ...windows];

  it('is segmented but for what cannot be, which is named', { timeout }, async () => {
    const { files } = await run({ input: images, output: output(), overrides });
    expect(files.map(({ input, status }) => `${input.slice(images.length + 1)} ${status}`)).toEqual([
      ...['array.npy done', 'broken.nii.gz failed', 'nan.nii failed', 'one.nii.gz done', 'series.nii failed'],
      ...['slice.nii done', 'two.nii.gz done'],
    ]);
    const reasons = files.flatMap((file) => (file.status === 'failed' ? [file.error] : []));
    expect(reasons).toEqual([
      expect.stringContaining('broken.nii.gz'),
      expect.stringContaining('64 of 512 voxels are NaN or infinite'),
      expect.stringContaining('the image has 3 channels'),
    ]);
    expect(readdirSync(output()).toSorted()).toEqual(['array.nii.gz', 'one.nii.gz', 'slice.nii', 'two.nii.gz']);
  });

  it('is laid on the grids of its images', { timeout }, async () => {
    for (const name of ['one', 'two']) {
      const [image, labels] = [path(`${name}.nii.gz`), join(output(), `${name}.nii.gz`)].map(readNifti);
      const { volume, orientation, type } = await labels!;
      expect([volume.size, volume.affine, orientation]).toEqual([
        ...[(await image!).volume.size, (await image!).volume.affine, (await image!).orientation],
      ]);
      expect([type, volume.channels]).toEqual(['uint8', 1]);
      expect(new Set(volume.values).size).toBeGreaterThan(1);
    }
  });
});

it('one and two workers give the same labels', async () => {
  for (const name of ['one.nii.gz', 'two.nii.gz', 'slice.nii', 'array.nii.gz']) {
    const [one, two] = [await readNifti(join(path('out-1'), name)), await readNifti(join(path('out-2'), name))];
    expect(one.volume.values).toEqual(two.volume.values);
  }
});

it('a folder that was segmented stays as it is, unless it is asked for again', { timeout }, async () => {
  const [output, overrides] = [path('out-1'), ['data.npy_spacing=[1, 1, 2]', ...windows]];
  const before = statSync(join(output, 'one.nii.gz')).mtimeMs;
  const { files } = await run({ input: images, output: output, overrides });
  expect(files.filter(({ status }) => status === 'skipped').length).toBe(4);
  expect(statSync(join(output, 'one.nii.gz')).mtimeMs).toBe(before);
  await run({ input: images, output: output, overrides, force: true });
  expect(statSync(join(output, 'one.nii.gz')).mtimeMs).toBeGreaterThan(before);
});

it('how many windows are under way makes no difference', { timeout }, async () => {
  const { volume } = await readNifti(join(path('out-1'), 'one.nii.gz'));
  const again = await segment('one', 'one-by-one.nii', [...windows, 'inference.sw_batch_size=1']);
  expect(again.values).toEqual(volume.values);
});

describe.each(['run', 'run2d'])('the whole image and one window over all of it (%s)', (network) => {
  const withProbabilities = async (mode: string) => {
    const output = path(`${network}-${mode}.nii.gz`);
    const overrides = [`inference.mode=${mode}`, 'inference.roi=[whole, whole, whole]', 'pipeline.workers=2'];
    await run({ input: path('one.nii.gz'), output, overrides, runDirectory: path(network), probabilities: true });
    const { volume } = await readNifti(output.replace('.nii', '_probabilities.nii'));
    return { labels: (await readNifti(output)).volume.values, probabilities: volume };
  };

  it('have the same labels and probabilities, of which the labels are the largest', { timeout }, async () => {
    const plain = await segment('one', `${network}-whole.nii`, ['inference.mode=whole'], network);
    expect(new Set(plain.values).size).toBeGreaterThan(1);
    const whole = await withProbabilities('whole');
    const window = await withProbabilities('sliding');
    expect(whole.labels).toEqual(plain.values);
    expect(window.labels).toEqual(plain.values);
    expect(window.probabilities.values).toEqual(whole.probabilities.values);
    const { size, channels, values } = whole.probabilities;
    expect([size, channels]).toEqual([[18, 20, 14], 3]);
    const voxels = plain.values.length;
    for (let i = 0; i < voxels; i++) {
      const each = [0, 1, 2].map((c) => values[i + c * voxels]!);
      expect(Math.abs(each.reduce((sum, p) => sum + p, 0) - 1)).toBeLessThan(1e-5);
      expect(each[plain.values[i]!]).toBe(Math.max(...each));
    }
  });
});

it('slabs of slices, as COPLE-Net takes them, give what all slices at once give', { timeout }, async () => {
  const roi = ['inference.roi=[whole, whole, 5]', 'inference.overlap=0', 'inference.padding_mode=constant'];
  const slabs = await segment('one', 'slabs.nii', ['inference.mode=sliding', ...roi], 'run2d');
  expect(slabs.values).toEqual((await readNifti(path('run2d-whole.nii'))).volume.values);
});

describe('an image that is turned and resampled for the network', () => {
  const transforms = (...names: string[]): string => `data.transforms=[${names.join(', ')}]`;
  const normalize = '{name: NormalizeIntensity, nonzero: true}';

  it('has its labels on its own grid, voxel for voxel where it is only turned', { timeout }, async () => {
    const turned = await segment('one', 'turned.nii', [transforms('{name: Orientation, axcodes: LPS}', normalize)]);
    const image = (await readNifti(path('one.nii.gz'))).volume;
    expect([turned.size, turned.affine]).toEqual([image.size, image.affine]);
    const { size } = image;
    const flipped = { ...image, values: image.values.slice() };
    for (let z = 0, i = 0; z < size[2]; z++)
      for (let y = 0; y < size[1]; y++)
        for (let x = 0; x < size[0]; x++, i++)
          flipped.values[i] = image.values[size[0] - 1 - x + size[0] * (size[1] - 1 - y + size[1] * z)]!;
    await writeNifti(path('flipped.nii.gz'), flipped, { type: 'float32' });
    const seen = await segment('flipped', 'seen.nii', [transforms(normalize)]);
    const back = turned.values.map((_, i) => {
      const [x, y, z] = [i % size[0], Math.floor(i / size[0]) % size[1], Math.floor(i / (size[0] * size[1]))];
      return seen.values[size[0] - 1 - x + size[0] * (size[1] - 1 - y + size[1] * z)]!;
    });
    expect(new Set(back).size).toBeGreaterThan(1);
    expect(turned.values).toEqual(back);
  });

  it('has labels and probabilities of its own size where its voxels change theirs', { timeout }, async () => {
    const overrides = [transforms('{name: Spacing, pixdim: [3, 3, 3]}', normalize), ...windows];
    const output = path('spaced.nii');
    await run({ input: path('one.nii.gz'), output, overrides, probabilities: true });
    const { volume: labels, orientation } = await readNifti(output);
    const { volume: probabilities } = await readNifti(path('spaced_probabilities.nii'));
    const source = await readNifti(path('one.nii.gz'));
    expect([labels.size, labels.affine, orientation]).toEqual([
      ...[source.volume.size, source.volume.affine, source.orientation],
    ]);
    expect([probabilities.size, probabilities.affine, probabilities.channels]).toEqual([labels.size, labels.affine, 3]);
    const voxels = labels.values.length;
    for (let i = 0; i < voxels; i++) {
      const sum = [0, 1, 2].reduce((all, c) => all + probabilities.values[i + c * voxels]!, 0);
      expect(Math.abs(sum - 1)).toBeLessThan(1e-4);
    }
  });
});

it('an array of NumPy has labels on the grid that the run file gives it', async () => {
  const { size, affine } = (await readNifti(join(path('out-1'), 'array.nii.gz'))).volume;
  expect([size, spacingOf(affine)]).toEqual([
    [7, 6, 5],
    [1, 1, 2],
  ]);
});

it('an image smaller than the window, of one slice, is segmented on its own grid', async () => {
  expect((await readNifti(join(path('out-1'), 'slice.nii'))).volume.size).toEqual([9, 10, 1]);
});

it('windows that the network cannot halve are refused, and so is what no worker can hold', { timeout }, async () => {
  const one = { input: path('one.nii.gz'), output: path('never.nii') };
  await expect(run({ ...one, overrides: ['inference.mode=sliding', 'inference.roi=[8, 8, 6]'] })).rejects.toThrow(
    /inference\.roi: 8 × 8 × 6 has 6 along z, which is no multiple of 4; give 4 or 8 there/,
  );
  await expect(run({ ...one, overrides: ['pipeline.memory=100kB'] })).rejects.toThrow(
    /the whole image of 20 × 20 × 16 needs about .* on a worker, which has .*--mode sliding/,
  );
  const huge = ['inference.mode=sliding', 'inference.roi=[1024, 1024, 512]'];
  await expect(run({ ...one, overrides: huge })).rejects.toThrow(/takes 6\.0 GiB, and at most 2 GiB go .*--roi/);
});

it('a worker that dies over one image does not lose the next', { timeout }, async () => {
  const both = path('both');
  mkdirSync(both);
  for (const name of ['one.nii.gz', 'two.nii.gz']) writeFileSync(join(both, name), readFileSync(path(name)));
  let killed = false;
  const { files } = await run({
    ...{ input: both, output: path('survived'), overrides: windows },
    report: (event) => {
      if (killed || event.kind !== 'windows') return;
      killed = true;
      process.kill(childCalled('lamp worker 0'), 'SIGKILL');
    },
  });
  expect(files).toMatchObject([
    { status: 'failed', error: expect.stringMatching(/^worker 0 .*failed (in step|during evaluation)/s) as string },
    { status: 'done' },
  ]);
});

it('what is done stays when it is stopped', { timeout }, async () => {
  const stop = new AbortController();
  const output = path('stopped');
  const stopped = run({
    ...{ input: images, output, overrides: windows, signal: stop.signal },
    report: (event) => {
      if (event.kind === 'windows' && event.input.endsWith('two.nii.gz')) stop.abort(new Error('enough'));
    },
  });
  await expect(stopped).rejects.toThrow('enough');
  expect(readdirSync(output).toSorted()).toEqual(['array.nii.gz', 'one.nii.gz', 'slice.nii']);
});
