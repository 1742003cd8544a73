import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadRun } from '../../../src/cli/loadRun.ts';
import {
  dataBlock,
  inspect,
  subjectOfDataSet,
  subjectOfRun,
  type Inspection,
} from '../../../src/data/inspect/index.ts';
import { readDataSet } from '../../../src/data/sets/index.ts';
import { decathlon, han, nnunet } from '../../support/dataSets.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const root = temporaryFolder();
const look = { signal: new AbortController().signal, report: () => {} };
const inspected = (folder: string): Promise<Inspection> => inspect(subjectOfDataSet(readDataSet(folder)), look);

/** Every problem as `severity file: problem`, the folder left out. */
const told = ({ cases, across }: Inspection, folder: string): string[] =>
  [...across, ...cases.flatMap((each) => each.problems)].map(({ severity, place, problem }) =>
    `${severity} ${place}: ${problem}`.replaceAll(`${folder}/`, ''),
  );

test('a data set that is in order: sizes, places, intensities and labels of every case', async () => {
  const folder = decathlon(join(root, 'good')).path;
  const found = await inspected(folder);
  expect(told(found, folder)).toEqual([]);
  const [first, second] = found.cases;
  expect(first).toMatchObject({ name: 'liver_a', set: 'train', unannotated: [] });
  expect(first!.image).toMatchObject({ size: [2, 2, 1], channels: 1, spacing: [1, 1, 1], axes: 'RAS' });
  expect(second!.image!.intensities).toEqual([
    { min: 0, max: 7, mean: 4.5, nonzero: 0.75, percentiles: [5, 6, 7], unfit: 0 },
  ]);
  expect(first!.labels).toEqual({ background: 1, liver: 2, tumour: 1 });
});

test('everything that is wrong is told at once', async () => {
  const names = ['fine', 'size', 'moved', 'odd', 'empty', 'nan', 'cut', 'series', 'gone', 'fine'];
  const folder = decathlon(join(root, 'bad'), {
    training: names.map((name) => ({ image: `./imagesTr/${name}.nii`, label: `./labelsTr/${name}.nii` })),
  });
  for (const [index, name] of names.slice(0, 8).entries())
    folder
      .nifti(`imagesTr/${name}.nii`, { type: 'float32', values: [index, 5, 6, 7 + index] })
      .nifti(`labelsTr/${name}.nii`);
  folder
    .nifti('labelsTr/size.nii', { dim: [2, 1, 2] })
    .nifti('labelsTr/moved.nii', { sform: { code: 1, rows: [1, 0, 0, 3, 0, 1, 0, 0, 0, 0, 1, 0] } })
    .nifti('labelsTr/odd.nii', { values: [0, 1, 9, 9] })
    .nifti('labelsTr/empty.nii', { values: [0, 0, 0, 0] })
    .nifti('imagesTr/nan.nii', { type: 'float32', values: [NaN, 1, 2, Infinity] })
    .nifti('imagesTr/series.nii', { dim: [2, 2, 1, 2], type: 'float32', values: [1, 2, 3, 4, 5, 6, 7, 8] })
    .put('labelsTr/cut.nii', 'no');
  const problems = told(await inspected(folder.path), folder.path);
  const expected = [
    'labelsTr/liver_a.nii.gz: it is not listed',
    'labelsTr/liver_b.nii.gz: it is not listed',
    'fine, fine: these cases have the same name',
    'fine, fine: these cases have the same image',
    'fine, fine: these cases have the same label map',
    'series: channels differ: 1 (8), 2 (1)',
    'labelsTr/size.nii: its size is 2 × 1 × 2',
    'labelsTr/moved.nii: its affine lays voxels up to 3.00 mm',
    'labelsTr/odd.nii: unknown labels: 9 (2 voxels)',
    'labelsTr/empty.nii: no voxel belongs to any of liver, tumour',
    'imagesTr/nan.nii: 2 of 4 voxels are NaN or infinite',
    'labelsTr/cut.nii: the file holds 2 bytes',
    'imagesTr/series.nii: 2 channels where 1 are due',
    'imagesTr/gone.nii: there is no such file',
    'labelsTr/gone.nii: there is no such file',
  ];
  for (const part of expected) expect(problems, part).toContainEqual(expect.stringContaining(`error ${part}`));
  expect(problems).toHaveLength(expected.length);
});

test('channels that do not lie on one grid', async () => {
  const folder = nnunet(join(root, 'channels'));
  folder.nifti('imagesTr/case_1_0001.nii.gz', { dim: [2, 2, 2], values: [1, 2, 3, 4, 5, 6, 7, 8] });
  expect(told(await inspected(folder.path), folder.path)).toEqual([
    expect.stringMatching(/^error imagesTr\/case_1_0001\.nii\.gz: its size is 2 × 2 × 2, and that of .*case_1_0000/),
  ]);
});

test('images that lie in other ways or have other voxels are warned of, and the block brings them together', async () => {
  const folder = decathlon(join(root, 'grids'));
  const sform = { code: 1, rows: [0, 0, -3, 0, -1, 0, 0, 0, 0, 2, 0, 0] };
  for (const set of ['images', 'labels']) folder.nifti(`${set}Tr/liver_a.nii.gz`, { sform });
  const set = readDataSet(folder.path);
  const found = await inspect(subjectOfDataSet(set), look);
  expect(found.cases[0]!.image).toMatchObject({ axes: 'PSL', spacing: [1, 2, 3] });
  expect(told(found, folder.path)).toEqual([
    expect.stringMatching(/^warning \w+: axes differ/),
    expect.stringMatching(/^warning \w+: spacings differ/),
  ]);
  expect(dataBlock(set, found)).toContain('{ name: Spacing, pixdim: [1, 1, 1] }');
});

test('masks: which are missing, which are empty, and which are none', async () => {
  const folder = han(join(root, 'han'));
  folder
    .npy('train/p2/structures/Mandible_crp_v2.npy', { values: [0, 0, 0, 0] })
    .npy('test/p9/structures/BrainStem_crp_v2.npy', { values: [0, 0, 3, 0] })
    .npy('test/p9/structures/Mandible_crp_v2.npy', { shape: [1, 1, 4] });
  const found = await inspected(folder.path);
  expect(told(found, folder.path)).toEqual([
    'warning all cases: no case has a voxel of Mandible',
    'warning train/p2/structures/Mandible_crp_v2.npy: the mask of Mandible is empty',
    'error test/p9/structures/BrainStem_crp_v2.npy: the mask of BrainStem holds 3',
    expect.stringContaining('error test/p9/structures/Mandible_crp_v2.npy: its size is 4 × 1 × 1'),
  ]);
  expect(found.cases.map(({ set, unannotated }) => [set, unannotated])).toEqual([
    ['train', ['Mandible']],
    ['train', ['BrainStem']],
    ['validation', []],
  ]);
});

test('the block is a run file with what the model must be', async () => {
  for (const make of [decathlon, nnunet, han]) {
    const { path } = make(join(root, `block-${make.name}`));
    const set = readDataSet(path);
    const block = dataBlock(set, await inspect(subjectOfDataSet(set), look));
    const [, inputs, outputs] = /in_channels: (\d+), out_channels: (\d+)/.exec(block)!;
    const file = join(root, `block-${make.name}.yaml`);
    const rest = `name: x\noptimizer: { name: sgd, lr: 1 }\ntraining: { epochs: 1, batch_size: 1 }`;
    writeFileSync(
      file,
      `${block}\nmodel: { name: unetpipe, in_channels: ${inputs}, out_channels: ${outputs} }\n${rest}\n`,
    );
    const { run, baseDirectory } = loadRun(file);
    expect(run.data.train.length).toBeGreaterThan(0);
    expect(run.data.validation).toHaveLength(1);
    // The run file itself is inspected by what it asks for.
    const found = await inspect(subjectOfRun(run, baseDirectory), look);
    expect(found.cases.flatMap(({ problems }) => problems.filter(({ severity }) => severity === 'error'))).toEqual([]);
    expect(
      found.cases
        .map(({ set: each }) => each)
        .toSorted()
        .at(-1),
    ).toBe('validation');
  }
});

test('a run file with a label map counts what it names, and warns of slices for a network of three axes', async () => {
  const { path } = decathlon(join(root, 'mapped'));
  const file = join(root, 'mapped.yaml');
  writeFileSync(
    file,
    `name: x
model: { name: unetpipe, out_channels: 2 }
data: { dataset: ${path}, classes: [background, lesion], label_map: { lesion: [1, 2] } }
optimizer: { name: sgd, lr: 1 }
training: { epochs: 1, batch_size: 1 }
`,
  );
  const { run, baseDirectory } = loadRun(file);
  const found = await inspect(subjectOfRun(run, baseDirectory), look);
  expect(found.cases[0]!.labels).toEqual({ background: 1, lesion: 3 });
  expect(told(found, path)).toEqual([
    'warning imagesTr/liver_a.nii.gz: one slice for a network of three axes',
    'warning imagesTr/liver_b.nii.gz: one slice for a network of three axes',
  ]);
});

test('it ends where it is asked to', async () => {
  const controller = new AbortController();
  const seen: string[] = [];
  const subject = subjectOfDataSet(readDataSet(decathlon(join(root, 'stopped')).path));
  const report = ({ name }: { name: string }): void => {
    seen.push(name);
    controller.abort(new Error('enough'));
  };
  await expect(inspect(subject, { signal: controller.signal, report })).rejects.toThrow('enough');
  expect(seen).toEqual(['liver_a']);
});
