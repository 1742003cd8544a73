import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { readSafetensors } from '../../src/checkpoint/safetensors.ts';
import { prepareCheckpoint } from '../../src/checkpoint/training/commit.ts';
import { disposeWriter } from '../../src/checkpoint/training/writer.ts';
import { runFolder, smallState, writeCheckpoint } from '../support/checkpoints.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lamp, lampWith, type Ended } from './lamp.ts';

const root = temporaryFolder();
afterAll(disposeWriter);

let runs = 0;
let run = '';
beforeEach(() => {
  run = runFolder(root, `run-${++runs}`);
});

const checkpoint = (...words: readonly string[]): Promise<Ended> => lampWith({}, 'checkpoint', ...words);

/** Changes a byte of a file, and not its size. */
function flip(path: string): void {
  const bytes = readFileSync(path);
  const last = bytes.length - 1;
  bytes[last] = bytes[last]! ^ 1;
  writeFileSync(path, bytes);
}

describe('ls', () => {
  test('has a line for each checkpoint, the newest first, and why one is none', async () => {
    await writeCheckpoint(run, 20, { workers: 3 });
    const damaged = await writeCheckpoint(run, 40);
    appendFileSync(join(damaged, 'worker-1.safetensors'), 'x');
    await prepareCheckpoint(run, 60);
    const { code, out } = await checkpoint('ls', run);
    expect(code).toBe(0);
    expect(out.replaceAll(/\d+ s /g, '… s ').split('\n')).toEqual([
      'step  epoch  workers  replicas   size  age  state',
      '  60                                        unfinished: manifest.json is missing',
      expect.stringMatching(
        /^ {2}40 {2,}damaged: worker-1\.safetensors has \d+ bytes where the manifest says \d+$/,
      ) as string,
      expect.stringMatching(/^ {2}20 {6}1 {8}3 {9}1 {2}\d+ B {2}… s {2}whole$/) as string,
      '',
    ]);
  });

  test('prints JSON for programs', async () => {
    await writeCheckpoint(run, 20);
    const { out } = await checkpoint('ls', run, '--json');
    expect(JSON.parse(out)).toMatchObject([{ status: 'whole', step: 20, epoch: 1, workers: 2, replicas: 1 }]);
  });

  test('says that a run has none', async () => {
    writeFileSync(join(run, 'run.yaml'), '');
    expect(await checkpoint('ls', run)).toMatchObject({ code: 0, out: `${run} has no checkpoints\n` });
  });

  test('takes the folder of the checkpoints for that of the run', async () => {
    await writeCheckpoint(run, 20);
    expect((await checkpoint('ls', join(run, 'checkpoints'))).out).toContain('whole');
  });
});

describe('show', () => {
  test('tells what the manifest says, what the parts hold, and the state in short', async () => {
    const state = {
      position: { epoch: 3, step: 20 },
      dice: [0.5, 0.25],
      losses: Array.from({ length: 9 }, () => 1),
      nan: Number.NaN,
    };
    const path = await writeCheckpoint(run, 20, { state });
    const { code, out } = await checkpoint('show', path);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^.*step-00000020\nstep {6}20\nepoch {5}1\nwritten {3}\S+Z, \d+ s ago\nworkers {3}2\nreplicas {2}1\n/,
    );
    expect(out).toMatch(/worker-0\.safetensors +5 {2}\d+ B\nworker-1\.safetensors +4 {2}\d+ B\n/);
    expect(out).toMatch(/weights +3 +12\noptimizer: exp_avg +3 +12\nteacher +3 +12\n/);
    expect(out).toContain(
      'position.epoch  3\nposition.step   20\ndice            [0.5, 0.25]\nlosses          9 entries\nnan             NaN\n',
    );
  });

  test('of a run takes the newest that looks whole, and says what was passed over', async () => {
    const whole = await writeCheckpoint(run, 20);
    rmSync(join(await writeCheckpoint(run, 40), 'worker-0.safetensors'));
    const { code, out, err } = await checkpoint('show', run);
    expect([code, out.split('\n')[0]]).toEqual([0, whole]);
    expect(err).toBe(
      'step-00000040 is passed over (damaged: worker-0.safetensors cannot be read: there is no such file or folder (ENOENT))\n',
    );
  });

  test('prints all of it as JSON', async () => {
    const path = await writeCheckpoint(run, 20, { state: { a: 1 } });
    const shown = JSON.parse((await checkpoint('show', path, '--json')).out) as Record<string, unknown>;
    expect(shown).toMatchObject({ step: 20, manifest: { state: { a: 1 } } });
    expect(Object.keys(shown['tensors'] as object)).toHaveLength(smallState(20).size);
  });

  test('of one that is damaged says why, and how to go on', async () => {
    const path = await writeCheckpoint(run, 20);
    flip(join(path, 'manifest.json'));
    const { code, err } = await checkpoint('show', path);
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/manifest\.json: is cut off or no manifest; take another checkpoint of the run/),
    ]);
  });
});

describe('verify', () => {
  test('reads every byte, and fails where one is not as it was written', async () => {
    const [good, bad] = [await writeCheckpoint(run, 20), await writeCheckpoint(run, 40)];
    flip(join(bad, 'worker-1.safetensors'));
    expect((await checkpoint('ls', run)).out).not.toContain('damaged');
    const { code, out } = await checkpoint('verify', run);
    expect(code).toBe(1);
    expect(out).toMatch(
      /^step-00000040 {2}damaged: worker-1\.safetensors was changed after .*\nstep-00000020 {2}whole: 2 files, \d+ B\n$/,
    );
    expect((await checkpoint('verify', good)).code).toBe(0);
    expect((await checkpoint('verify', bad, '--json')).out).toMatch(/^\[\{"status":"damaged","step":40,/);
  });

  test('does not mind one that was never finished, as long as there is a whole one', async () => {
    await prepareCheckpoint(run, 60);
    expect((await checkpoint('verify', run)).code).toBe(1);
    await writeCheckpoint(run, 20);
    expect(await checkpoint('verify', run)).toMatchObject({ code: 0, out: expect.stringContaining('unfinished') });
  });
});

describe('convert', () => {
  const output = (): string => join(root, `converted-${runs}.safetensors`);

  test.each([
    ['the weights', [], ['encoder.0.weight', 'encoder.0.bias', 'decoder.0.weight'], ''],
    [
      "the teacher's, by the same names",
      ['--teacher'],
      ['encoder.0.weight', 'encoder.0.bias', 'decoder.0.weight'],
      'teacher/',
    ],
    ['everything by its key', ['--all'], [...smallState(20).keys()], ''],
  ])('writes %s, whichever worker had it', async (_, flags, names, prefix) => {
    const path = await writeCheckpoint(run, 20, { workers: 3 });
    const { code, out } = await checkpoint('convert', path, '--output', output(), ...flags);
    expect([code, out]).toEqual([0, expect.stringContaining(`${names.length} tensors`)]);
    const { tensors, metadata } = await readSafetensors(output());
    expect(metadata.get('step')).toBe('20');
    expect([...tensors.keys()].toSorted()).toEqual(names.toSorted());
    for (const [name, { values }] of tensors) expect(values).toEqual(smallState(20).get(prefix + name)!.values);
  });

  test('of a run takes the newest that is whole in every byte', async () => {
    const good = await writeCheckpoint(run, 20);
    flip(join(await writeCheckpoint(run, 40), 'worker-1.safetensors'));
    const ended = await checkpoint('convert', run, '--output', output(), '--json');
    expect(JSON.parse(ended.out)).toEqual({
      ...{ checkpoint: good, selection: 'weights', file: output(), tensors: 3, values: 12 },
    });
    expect(ended.err).toContain('step-00000040 is passed over');
  });

  test('writes nothing of one that is damaged', async () => {
    const path = await writeCheckpoint(run, 20);
    flip(join(path, 'worker-0.safetensors'));
    const { code, err } = await checkpoint('convert', path, '--output', output());
    expect([code, err]).toEqual([2, expect.stringContaining('worker-0.safetensors: was changed after it was written')]);
    expect(existsSync(output())).toBe(false);
  });

  test('refuses what would be lost or cannot be, before it reads anything', async () => {
    const path = await writeCheckpoint(run, 20);
    const part = join(path, 'worker-0.safetensors');
    writeFileSync(output(), '');
    for (const [words, told] of [
      [['--output', 'weights.pt'], 'ends in .safetensors'],
      [['--output', join(root, 'absent', 'w.safetensors')], 'there is no folder'],
      [['--output', part, '--force'], 'lies among the checkpoints'],
      [['--output', output()], 'exists already'],
      [['--output', output(), '--force', '--teacher', '--all'], '--teacher and --all'],
      [[], "required option '--output <file>' not specified\n(lamp checkpoint convert --help explains)"],
    ] as const)
      expect(await checkpoint('convert', path, ...words)).toMatchObject({
        code: 2,
        err: expect.stringContaining(told),
      });
    expect(await checkpoint('convert', path, '--output', output(), '--force')).toMatchObject({ code: 0 });
  });
});

test.each(['ls', 'show', 'verify', 'convert'])('%s says what a path should have been', async (command) => {
  const words = command === 'convert' ? ['--output', join(root, 'x.safetensors')] : [];
  mkdirSync(join(run, 'other'));
  writeFileSync(join(run, 'file'), '');
  for (const [path, told] of [
    [join(run, 'absent'), 'there is no such folder'],
    [join(run, 'other'), "is neither a run's folder nor a checkpoint's"],
    [join(run, 'file'), 'is no folder'],
  ] as const)
    expect(await checkpoint(command, path, ...words)).toMatchObject({ code: 2, err: expect.stringContaining(told) });
});

test('ls of a checkpoint leads to show', async () => {
  const { code, err } = await checkpoint('ls', await writeCheckpoint(run, 20));
  expect([code, err]).toEqual([2, expect.stringContaining('give the folder of its run, or use show')]);
});

test('a run without checkpoints has none to show or convert', async () => {
  mkdirSync(join(run, 'checkpoints'));
  for (const words of [
    ['show', run],
    ['convert', run, '--output', join(root, 'x.safetensors')],
  ])
    expect(await checkpoint(...words)).toMatchObject({ code: 2, err: expect.stringContaining('has no checkpoints') });
});

test('the help lists what can be done, and has an example', () => {
  const { code, out } = lamp('checkpoint', '--help');
  expect(code).toBe(0);
  for (const word of ['ls', 'show', 'verify', 'convert', 'Examples:']) expect(out).toContain(word);
  expect(lamp('checkpoint', 'verify', '--help')).toMatchObject({ code: 0 });
  expect(lamp('checkpoint')).toMatchObject({ code: 2 });
  expect(lamp('checkpoint', 'lst', 'x')).toMatchObject({ code: 2, err: expect.stringContaining('(Did you mean ls?)') });
});
