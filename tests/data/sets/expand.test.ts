import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadRun } from '../../../src/cli/loadRun.ts';
import { formatRunFile } from '../../../src/config/formatRunFile.ts';
import type { RunFile } from '../../../src/config/runFile.ts';
import { RunFileError } from '../../../src/config/runFileError.ts';
import { caseFiles } from '../../../src/data/caseFiles.ts';
import { loadCase } from '../../../src/data/dataset.ts';
import { decathlon, Folder, han, nnunet } from '../../support/dataSets.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const root = temporaryFolder();
let runs = 0;

/** A run file beside the folder of a data set. */
function load(
  data: readonly string[],
  model: { channels?: number; classes?: number } = {},
): { run: RunFile; base: string } {
  const file = join(root, `run-${runs++}.yaml`);
  writeFileSync(
    file,
    [
      'name: run',
      `model: { name: unetpipe, in_channels: ${model.channels ?? 1}, out_channels: ${model.classes ?? 3} }`,
      'data:',
      ...data.map((line) => `  ${line}`),
      'optimizer: { name: sgd, lr: 0.1 }',
      'training: { epochs: 1, batch_size: 1 }',
    ].join('\n'),
  );
  return { run: loadRun(file).run, base: root };
}

function faultsOf(data: readonly string[], model: { channels?: number; classes?: number } = {}): readonly string[] {
  try {
    load(data, model);
  } catch (error) {
    expect(error).toBeInstanceOf(RunFileError);
    return (error as RunFileError).faults.map(({ key, problem, remedy }) => `${key}: ${problem}; ${remedy}`);
  }
  throw new Error('this run file should be refused');
}

decathlon(join(root, 'liver'));
nnunet(join(root, 'brain'));
han(join(root, 'han'));

describe('a data set of the Decathlon', () => {
  test('becomes a list of cases by name, whose values are the indices of the classes', () => {
    const { data } = load(['dataset: liver', 'classes: [background, liver, tumour]']).run;
    expect(data.train).toEqual([
      { name: 'liver_a', image: 'liver/imagesTr/liver_a.nii.gz', label: 'liver/labelsTr/liver_a.nii.gz' },
      { name: 'liver_b', image: 'liver/imagesTr/liver_b.nii.gz', label: 'liver/labelsTr/liver_b.nii.gz' },
    ]);
    expect([data.dataset, data.validation, data.label_map]).toEqual([undefined, [], undefined]);
  });

  test('gives its values to the classes by name, in any order and not all of them', () => {
    const named = (line: string, classes: number): RunFile['data'] =>
      load(['dataset: liver', line], { classes }).run.data;
    expect(named('classes: [none, tumour, liver]', 3).label_map).toEqual({ tumour: [2], liver: [1] });
    expect(named('classes: [none, tumour]', 2).label_map).toEqual({ tumour: [2] });
  });

  test('has its paths made absolute where its folder is given so', () => {
    const folder = join(root, 'liver');
    const { data } = load([`dataset: ${folder}`, 'classes: [background, liver, tumour]']).run;
    expect(data.train[0]!.image).toBe(join(folder, 'imagesTr/liver_a.nii.gz'));
  });

  test('may have a file a channel', () => {
    const folder = decathlon(join(root, 'old'), {
      modality: { 0: 'T1', 1: 'T2' },
      training: [{ image: './imagesTr/x.nii.gz', label: './labelsTr/liver_a.nii.gz' }],
    });
    folder.nifti('imagesTr/x_0000.nii.gz').nifti('imagesTr/x_0001.nii.gz');
    expect(faultsOf(['dataset: old', 'classes: [background, liver, tumour]'], { channels: 2 })).toEqual([
      expect.stringContaining('labelsTr/liver_b.nii.gz: it is not listed'),
    ]);
    folder.json('dataset.json', {
      modality: { 0: 'T1', 1: 'T2' },
      labels: { 0: 'background', 1: 'liver', 2: 'tumour' },
      training: ['a', 'b'].map((name) => ({ image: './imagesTr/x.nii.gz', label: `./labelsTr/liver_${name}.nii.gz` })),
    });
    const { data } = load(['dataset: old', 'classes: [background, liver, tumour]'], { channels: 2 }).run;
    expect(data.train[0]!.image).toEqual(['old/imagesTr/x_0000.nii.gz', 'old/imagesTr/x_0001.nii.gz']);
  });
});

test('a data set of nnU-Net has a file a channel', () => {
  const { data } = load(['dataset: brain', 'classes: [background, core, edema]'], { channels: 2 }).run;
  expect(data.train.map(({ name, image }) => ({ name, image }))).toEqual([
    { name: 'case_1', image: ['brain/imagesTr/case_1_0000.nii.gz', 'brain/imagesTr/case_1_0001.nii.gz'] },
    { name: 'case_2', image: ['brain/imagesTr/case_2_0000.nii.gz', 'brain/imagesTr/case_2_0001.nii.gz'] },
  ]);
  expect(data.label_map).toBeUndefined();
});

test('HaN has its masks, its test cases validate, and what has no mask is not annotated', async () => {
  const { run, base } = load(['dataset: han', 'classes: [background, BrainStem, Chiasm]']);
  const { data } = run;
  expect(data.train[0]!.label).toEqual({
    BrainStem: 'han/train/p1/structures/BrainStem_crp_v2.npy',
    Chiasm: 'han/train/p1/structures/Chiasm_crp_v2.npy',
  });
  expect(data.validation.map(({ name }) => name)).toEqual(['p9']);
  const [whole, part] = await Promise.all(
    data.train.map((each) => loadCase(caseFiles(each, base), { ...data, channels: 1 })),
  );
  expect([...whole!.labels.values]).toEqual([1, 2, 2, 0]);
  expect(whole!.annotated).toEqual([true, true, true]);
  expect(part!.annotated).toEqual([false, false, true]);
});

test('what a run keeps is the lists, and means the same again', () => {
  const { run } = load(
    ['dataset: brain', 'classes: [background, edema, core]', 'split: { by: seed, validation: 0.5 }'],
    {
      channels: 2,
    },
  );
  const text = formatRunFile(run);
  expect(text).not.toMatch(/dataset:|split:/);
  const file = join(root, 'kept.yaml');
  writeFileSync(file, text);
  expect(loadRun(file).run).toEqual(run);
});

describe('a split', () => {
  test('leaves the test cases of HaN alone', () => {
    const { data } = load([
      'dataset: han',
      'classes: [background, BrainStem, Chiasm]',
      'split: { by: list, validation: [p2] }',
    ]).run;
    expect([data.train, data.validation].map((set) => set.map(({ name }) => name))).toEqual([['p1'], ['p2']]);
  });

  test('works on lists, too, and not beside other validation cases', () => {
    const list = ['a', 'b'].map(
      (name) => `- { image: liver/imagesTr/liver_${name}.nii.gz, label: liver/labelsTr/liver_${name}.nii.gz }`,
    );
    const lines = [
      'classes: [background, liver, tumour]',
      'train:',
      ...list,
      'split: { by: folds, folds: 2, fold: 1 }',
    ];
    const { data } = load(lines).run;
    expect([data.train.length, data.validation.length]).toEqual([1, 1]);
    expect(faultsOf([...lines, 'validation:', list[0]!])).toEqual([expect.stringContaining('data.split: beside')]);
  });
});

describe('what does not fit is told with the key', () => {
  test.each([
    [['dataset: nowhere'], 'data.dataset: ', 'no such folder'],
    [['dataset: liver', 'train: [{ image: a.nii, label: b.nii }]'], 'data.dataset: beside data.train', 'take one'],
    [['dataset: liver', 'synthetic: [32, 32, 32]'], 'data.dataset: beside data.synthetic', 'take one'],
    [['dataset: .'], 'data.dataset: ', 'data.format'],
    [['dataset: liver', 'format: nnunet'], 'data.dataset: ', 'channel_names'],
    [['dataset: brain'], 'model.in_channels: 1 for the 2 channels of', 'T1, T2'],
    [['dataset: liver', 'split: { by: seed, validation: 0.1 }'], 'data.split.validation: 0.1 of 2 cases is 0', 'share'],
    [['dataset: liver', 'split: { by: folds, folds: 3, fold: 0 }'], 'data.split.folds: 3 folds of 2', 'at most 2'],
    [['dataset: liver', 'split: { by: folds, folds: 2, fold: 2 }'], 'data.split.fold: fold 2 of 2', '0 to 1'],
    [['dataset: liver', 'split: { by: list, validation: [liver_x] }'], 'data.split.validation: ', 'liver_a, liver_b'],
    [['dataset: liver', 'split: { by: list, validation: [liver_a, liver_b] }'], 'data.split: all 2', 'leave some'],
  ])('%j', (lines, start, said) => {
    const classes = lines[0] === 'dataset: brain' ? '[background, core, edema]' : '[background, liver, tumour]';
    const faults = faultsOf([...lines, `classes: ${classes}`]);
    expect(faults.find((fault) => fault.startsWith(start))).toContain(said);
  });

  test('classes that are no labels of the data set, with a line to paste', () => {
    const [fault] = faultsOf(['dataset: liver', 'classes: [background, liver, tumor]']);
    expect(fault).toContain('tumor: no such label');
    expect(fault).toContain('did you mean tumour?');
    expect(fault).toContain('"classes: [background, liver, tumour]"');
  });

  test('regions that share a value, and voxels to ignore', () => {
    nnunet(join(root, 'regions'), { labels: { background: 0, whole: [1, 2], core: [2] } });
    const lines = (name: string): string[] => [`dataset: ${name}`, 'classes: [background, whole, core]'];
    expect(faultsOf(lines('regions'), { channels: 2 })[0]).toContain('share the label 2');
    expect(
      load([...lines('regions'), 'label_map: { whole: [1], core: [2] }'], { channels: 2 }).run.data.train,
    ).toHaveLength(2);
    nnunet(join(root, 'ignoring'), { labels: { background: 0, whole: 1, core: 2, ignore: 3 } });
    expect(faultsOf(lines('ignoring'), { channels: 2 })[0]).toContain('learnt as background');
  });

  test('files that are not there, every one of them', () => {
    decathlon(join(root, 'gaps'), {
      training: ['x', 'y'].map((name) => ({ image: `imagesTr/${name}.nii.gz`, label: 'labelsTr/liver_a.nii.gz' })),
    });
    new Folder(join(root, 'gaps')).json('labelsTr/liver_b.txt', 0);
    const faults = faultsOf(['dataset: gaps', 'classes: [background, liver, tumour]']);
    expect(faults.filter((fault) => fault.includes('not listed'))).toHaveLength(1);
    nnunet(join(root, 'holes'))
      .nifti('labelsTr/case_3.nii.gz')
      .nifti('imagesTr/stray.nii.gz')
      .nifti('imagesTr/case_1_0002.nii.gz');
    const stray = faultsOf(['dataset: holes', 'classes: [background, core, edema]'], { channels: 2 });
    expect(stray).toHaveLength(2);
    nnunet(join(root, 'short')).nifti('labelsTr/case_3.nii.gz');
    const missing = faultsOf(['dataset: short', 'classes: [background, core, edema]'], { channels: 2 });
    expect(missing.map((fault) => /no file \S+\/(\S+);/.exec(fault)?.[1])).toEqual([
      'case_3_0000.nii.gz',
      'case_3_0001.nii.gz',
    ]);
  });

  test('descriptions that are damaged', () => {
    const folder = new Folder(join(root, 'damaged')).put('dataset.json', '{"modality": ');
    expect(faultsOf(['dataset: damaged', 'format: decathlon', 'classes: [a, b, c]'])[0]).toContain('is not JSON');
    folder.json('dataset.json', { modality: { 0: 'CT' }, labels: { one: 'liver' }, training: 3 });
    const [fault] = faultsOf(['dataset: damaged', 'classes: [a, b, c]']);
    expect(fault).toContain('dataset.json: it is not as expected');
    expect(fault).toContain('training');
    mkdirSync(join(root, 'empty/train/p/structures'), { recursive: true });
    expect(faultsOf(['dataset: empty', 'classes: [a, b, c]'])[0]).toContain('no case has a structures');
  });
});
