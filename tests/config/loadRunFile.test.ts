import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadRunFile, parseRunFile } from '../../src/config/loadRunFile.ts';
import { RunFileError } from '../../src/config/runFileError.ts';
import { exampleText } from './exampleRunFile.ts';

const spoilt = (what: string, by: string): string => {
  expect(exampleText).toContain(what);
  return exampleText.replace(what, by);
};

const messageOf = (text: string, overrides: readonly string[] = []): string => {
  try {
    parseRunFile(text, 'run.yaml', overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(RunFileError);
    return (error as Error).message;
  }
  return 'no fault';
};

const sizes = 'patch_size: [48, 48, 48]';
const optimizer = '{ name: rmsprop, lr: 0.001 }';

test.each([
  [
    'an empty list',
    '[]',
    'run.yaml: [] is not allowed; give a mapping with the keys name, seed, model, data, loss, optimizer, lr_schedule, training, pipeline, engine, checkpoints, recovery, phases, inference',
  ],
  ['bad YAML', 'a: 1\na: 2', 'run.yaml: line 2: Map keys must be unique'],
  [
    'a misspelt key',
    spoilt('epochs:', 'epoch:'),
    'run.yaml: line 13, training.epoch: no such key; did you mean training.epochs?',
  ],
  ['a key of another place', `${exampleText}lr: 1\n`, 'run.yaml: line 15, lr: no such key; did you mean optimizer.lr?'],
  [
    'a key of another variant',
    spoilt('lr: 0.001', 'lr: 1, momentum: 1'),
    'run.yaml: line 11, optimizer.momentum: no such key; it belongs to optimizer.name: sgd',
  ],
  [
    'a key that is like no other',
    `${exampleText}quartz: 1\n`,
    'run.yaml: line 15, quartz: no such key; the top level has name, seed, model, data, loss, optimizer, lr_schedule, training, pipeline, engine, checkpoints, recovery, phases, inference',
  ],
  [
    'a key within a list',
    spoilt('label: label', 'lable: label'),
    'run.yaml: line 8, data.train[0].lable: no such key; did you mean data.train[0].label?',
  ],
  [
    'a misspelt value',
    spoilt('rmsprop', 'RMSProp'),
    'run.yaml: line 11, optimizer.name: "RMSProp" is not allowed; give sgd, rmsprop, adam or adamw; did you mean rmsprop?',
  ],
  [
    'a value of the wrong type',
    spoilt('epochs: 3', 'epochs: three'),
    'run.yaml: line 13, training.epochs: "three" is not allowed; give a whole number of at least 1',
  ],
  [
    'a value out of range',
    spoilt('lr: 0.001', 'lr: -1'),
    'run.yaml: line 11, optimizer.lr: -1 is not allowed; give a number above 0',
  ],
  [
    'a fraction where a whole number stands',
    spoilt('batch_size: 4', 'batch_size: 1.5'),
    'run.yaml: line 14, training.batch_size: 1.5 is not allowed; give a whole number of at least 1',
  ],
  [
    'text for a mapping',
    spoilt(optimizer, 'rmsprop'),
    'run.yaml: line 11, optimizer: "rmsprop" is not allowed; give a mapping with a name (sgd, rmsprop, adam or adamw) and its keys',
  ],
  [
    'a missing key',
    spoilt('  epochs: 3\n', ''),
    'run.yaml: training.epochs: is missing; give a whole number of at least 1',
  ],
  [
    'a bad size in a list',
    spoilt(sizes, 'patch_size: [48, 0, 48]'),
    'run.yaml: line 10, data.patch_size[1]: 0 is not allowed; give a whole number of at least 1',
  ],
  [
    'a name that leaves the folder',
    spoilt('name: brain', 'name: ../brain'),
    'run.yaml: line 1, name: "../brain" is not allowed; give letters, digits, dot, dash and underscore, the first one no dot or dash',
  ],
  [
    'the sizes of another dimension',
    spoilt(sizes, 'patch_size: [48, 48]'),
    'run.yaml: line 10, data.patch_size: [48, 48] has 2 sizes, and model.spatial_dims is 3; give 3 sizes',
  ],
  [
    'sizes that cannot be halved',
    spoilt(sizes, 'patch_size: [48, 50, 4]'),
    'run.yaml: line 10, data.patch_size: [48, 50, 4] cannot be halved 3 times (model.depth 2); give multiples of 8, such as [48, 48, 8] or [48, 56, 8], or a smaller model.depth',
  ],
  [
    'channels that are not the classes',
    spoilt('out_channels: 3', 'out_channels: 2'),
    'run.yaml: line 4, model.out_channels: 2 channels for the 3 names in data.classes; give 3: one for each class, the background too',
  ],
  [
    'a class twice',
    spoilt('left, right', 'left, left'),
    'run.yaml: line 9, data.classes: left stands twice; give every class a name of its own',
  ],
])('a run file with %s is refused with the key, the value and the remedy', (_, text, message) => {
  expect(messageOf(text)).toBe(message);
});

test.each([
  [
    'pipeline.micro_batches=5',
    'pipeline.micro_batches: 5 micro-batches out of 4 samples (training.batch_size); give at most 4, or a larger training.batch_size',
  ],
  [
    'pipeline={workers: 2, balance: [3]}',
    'pipeline.balance: 1 stages for 2 workers (pipeline.workers); give 2 numbers, or pipeline.workers 1',
  ],
  [
    'pipeline={workers: 2, balance: [3, 4], schedule: interleaved_1f1b}',
    'pipeline.balance: 2 stages for 2 workers (pipeline.workers) with 2 stages each (pipeline.schedule); give 4 numbers, or pipeline.workers 1',
  ],
  [
    'pipeline={workers: 2, balance: [3, 4, 5], schedule: zb_v}',
    'pipeline.balance: 3 stages for 2 workers (pipeline.workers) with 2 stages each (pipeline.schedule); give 4 numbers',
  ],
  [
    'pipeline={schedule: zb_v, stages_per_worker: 3}',
    'pipeline.stages_per_worker: 3 stages a worker for zb_v, which has 2; give 2, or pipeline.schedule interleaved_1f1b',
  ],
  [
    'pipeline={schedule: my.schedule, stages_per_worker: 3}',
    'pipeline.stages_per_worker: 3, with a schedule of your own (pipeline.schedule: my.schedule), which says it itself; take this away',
  ],
  [
    'pipeline.schedule=zbv',
    'pipeline.schedule: "zbv" is not allowed; give gpipe, 1f1b, interleaved_1f1b, v_1f1b, zb_h1, zb_v, auto or the path of a schedule of your own that ends in .schedule; did you mean zb_v?',
  ],
  [
    'loss.class_weights=[1, 2]',
    'loss.class_weights: 2 weights for the 3 names in data.classes; give 3, background first, or none',
  ],
  ['loss.class_weights=[0, 0, 0]', 'loss.class_weights: every weight is 0; give at least one above 0'],
  [
    'optimizer={name: sgd, lr: 1, nesterov: true}',
    'optimizer.nesterov: needs momentum; give optimizer.momentum, such as 0.9',
  ],
  ['lr_schedule={name: cosine, min_lr: 1}', 'lr_schedule.min_lr: 1 is above optimizer.lr, 0.001; give at most 0.001'],
  [
    'data.validation_deformation.rotate=5',
    'data.validation_deformation: there are no validation cases to deform; give data.validation, or take this away',
  ],
  ['pipeline.workers=0', 'pipeline.workers: 0 is not allowed; give a whole number of at least 1 or auto'],
  ['pipeline.workrs=2', 'pipeline.workrs: no such key; did you mean pipeline.workers?'],
  ['batch-size=2', 'batch-size: no such key; did you mean training.batch_size?'],
  [
    'data.train[3].image=a',
    'data.train[3].image: data.train[3].image=a leads nowhere in this run file; data.train has 1 so far, counted from 0',
  ],
  ['optimizer.lr=[1', 'optimizer.lr: [1 is not YAML; quote the text, or write a list as [1, 2]'],
])('--set %s is refused as said on the command line', (override, message) => {
  expect(messageOf(exampleText, [override])).toBe(`run.yaml: command line, ${message}`);
});

test('an override that is no key and value is refused with an example', () => {
  expect(messageOf(exampleText, ['epochs'])).toBe(
    'run.yaml: command line: epochs is not of the form key.path=value; for example optimizer.lr=0.001',
  );
});

test('every fault is told at once', () => {
  const text = spoilt('lr: 0.001', 'lr: 0').replace('epochs: 3', 'epochs: 0');
  expect(messageOf(text, ['pipeline.workers=no', 'nonsense=1'])).toMatchInlineSnapshot(`
    "run.yaml: 4 faults
      command line, nonsense: no such key; the top level has name, seed, model, data, loss, optimizer, lr_schedule, training, pipeline, engine, checkpoints, recovery, phases, inference
      line 11, optimizer.lr: 0 is not allowed; give a number above 0
      line 13, training.epochs: 0 is not allowed; give a whole number of at least 1
      command line, pipeline.workers: "no" is not allowed; give a whole number of at least 1 or auto"
  `);
});

test('overrides lie over the file, and a default comes back with null', () => {
  const run = parseRunFile(exampleText, 'run.yaml', [
    'optimizer.lr=1e-4',
    'training.epochs=7',
    'data.train.0.image=other.nii',
    'data.train[1]={image: b.nii, label: c.nii}',
    'loss.focal_gamma=1',
    'seed=5',
    'seed=null',
    'name="2024"',
  ]);
  expect(run.optimizer.lr).toBe(1e-4);
  expect(run.training.epochs).toBe(7);
  expect(run.data.train).toEqual([
    { image: 'other.nii', label: 'label.nii.gz' },
    { image: 'b.nii', label: 'c.nii' },
  ]);
  expect(run.loss).toMatchObject({ name: 'lamp', focal_gamma: 1 });
  expect(run.seed).toBe(0);
  expect(run.name).toBe('2024');
});

test('micro-batches are one sample each where the file says nothing', () => {
  expect(parseRunFile(exampleText, 'run.yaml').pipeline.micro_batches).toBe(4);
  expect(parseRunFile(exampleText, 'run.yaml', ['pipeline.micro_batches=3']).pipeline.micro_batches).toBe(3);
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamp-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a run file is read with its folder, which its images are looked for in', () => {
  const path = join(folder, 'run.yaml');
  writeFileSync(path, exampleText);
  expect(() => loadRunFile(path)).toThrow(
    `${path}: 2 faults\n` +
      `  line 8, data.train[0].image: there is no file ${folder}/image.nii.gz; paths are relative to the run file's folder\n` +
      `  line 8, data.train[0].label: there is no file ${folder}/label.nii.gz; paths are relative to the run file's folder`,
  );
  expect(loadRunFile(path, [], { checkFiles: false }).run.name).toBe('brain');
  expect(loadRunFile(path, ['data.unreadable=skip']).run.name).toBe('brain');
  writeFileSync(join(folder, 'image.nii.gz'), '');
  writeFileSync(join(folder, 'label.nii.gz'), '');
  expect(loadRunFile(path).baseDirectory).toBe(folder);
  expect(() => loadRunFile(path, ['pipeline.schedule=my.schedule'])).toThrow(
    `pipeline.schedule: there is no file ${folder}/my.schedule; paths are relative to the run file's folder`,
  );
});

test('a run file that is not there, or is a folder, is told as that', () => {
  expect(() => loadRunFile(join(folder, 'none.yaml'))).toThrow('none.yaml: there is no such run file');
  expect(() => loadRunFile(folder)).toThrow(`${folder}: is a folder; give the run file in it`);
});
