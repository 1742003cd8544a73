import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseCores } from '../../src/coordinator/cores.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/checkpoint/safetensors.ts';
import { readNifti } from '../../src/data/nifti/read.ts';
import { buildModel } from '../../src/models/index.ts';
import { parameterSpecs } from '../../src/models/describe.ts';
import { writeRun } from '../support/dataset.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { childrenOf, coresOf, groupOf, leftOf, until } from '../support/processes.ts';
import { smallModel } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const timeout = 120_000;
let runFile: string;
beforeAll(async () => {
  runFile = await writeRun(folder);
});

/** `lamp train` with its own folders for runs and for temporary files. */
function train(name: string, words: readonly string[] = [], environment: Record<string, string> = {}): LampProcess {
  const temporary = join(folder, `${name}-tmp`);
  mkdirSync(temporary);
  const flags = ['--name', name, '--output', join(folder, 'runs'), '--json'];
  return new LampProcess(['train', runFile, ...flags, ...words], { TMPDIR: temporary, ...environment });
}
const runFolder = (name: string): string => join(folder, 'runs', name);

/** All that a run leaves when it ends, however it ends: no process and no temporary file. */
async function expectNothingLeft(name: string, pids: readonly number[]): Promise<void> {
  expect(await leftOf(pids)).toEqual([]);
  expect(readdirSync(join(folder, `${name}-tmp`))).toEqual([]);
}

const processesOf = (lamp: LampProcess): number[] => [lamp.pid, ...childrenOf(lamp.pid).map(({ pid }) => pid)];
const begun = (lamp: LampProcess, steps = 1): Promise<void> => until(() => lamp.events('step').length >= steps, 60_000);

interface Step {
  readonly step: number;
  readonly loss: number;
}

describe('a training run', () => {
  let lamp: LampProcess;
  beforeAll(async () => {
    lamp = train('whole');
    await lamp.ended;
  }, timeout);

  it('ends well, and has learnt: the loss has fallen', async () => {
    expect([await lamp.ended, lamp.err]).toEqual([0, '']);
    const losses = lamp.events<Step>('step').map(({ loss }) => loss);
    expect(losses).toHaveLength(12);
    const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
    expect(mean(losses.slice(-3))).toBeLessThan(0.8 * mean(losses.slice(0, 3)));
  });

  it('leaves the figures of every step and validation', () => {
    const lines = readFileSync(join(runFolder('whole'), 'metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    const events = lines.map((line) => JSON.parse(line) as { kind: string });
    expect(events.filter(({ kind }) => kind === 'step')).toEqual(lamp.events('step'));
    expect(events.filter(({ kind }) => kind === 'validated')).toHaveLength(3);
  });

  it('leaves the best and the last parameters under their names', async () => {
    const names = parameterSpecs(buildModel(smallModel({ spatial_dims: 3, out_channels: 3 })).cells).map(
      (spec) => spec.name,
    );
    for (const file of ['weights.safetensors', 'last.safetensors']) {
      const { tensors, metadata } = await readSafetensors(join(runFolder('whole'), file));
      expect([...tensors.keys()].toSorted()).toEqual(names.toSorted());
      expect(metadata.get('run')).toBe('whole');
    }
  });

  it('leaves a segmentation on the grid of its image, and a picture', async () => {
    const image = await readNifti(join(folder, 'one.nii.gz'));
    const segmentation = await readNifti(join(runFolder('whole'), 'segmentation.nii.gz'));
    expect(segmentation.volume.size).toEqual(image.volume.size);
    expect(segmentation.volume.affine).toEqual(image.volume.affine);
    expect(segmentation.orientation).toEqual(image.orientation);
    expect(new Set(segmentation.volume.values).size).toBeGreaterThan(1);
    expect(
      readFileSync(join(runFolder('whole'), 'segmentation.png'))
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });

  it(
    'is predicted with on any number of workers: what it segmented in validation comes out again',
    { timeout },
    async () => {
      const expected = await readNifti(join(runFolder('whole'), 'segmentation.nii.gz'));
      for (const workers of ['1', '3']) {
        const output = join(folder, `again-${workers}.nii.gz`);
        const flags = ['--run', runFolder('whole'), '--input', join(folder, 'one.nii.gz'), '--output', output];
        const predict = new LampProcess(['predict', ...flags, '--workers', workers]);
        expect([await predict.ended, predict.err]).toEqual([0, '']);
        const { volume, orientation } = await readNifti(output);
        expect(orientation).toEqual(expected.orientation);
        expect(volume.values).toEqual(expected.volume.values);
      }
    },
  );

  it('leaves no process and no temporary file', () => expectNothingLeft('whole', [lamp.pid]));

  it('gives the same figures again, bit for bit', { timeout }, async () => {
    const again = train('again');
    expect([await again.ended, again.err]).toEqual([0, '']);
    const losses = (run: LampProcess): number[] => run.events<Step>('step').map(({ loss }) => loss);
    expect(losses(again)).toEqual(losses(lamp));
    const bytes = (name: string): Buffer => readFileSync(join(runFolder(name), 'last.safetensors'));
    const values = -4 * 1000;
    expect(bytes('again').subarray(values)).toEqual(bytes('whole').subarray(values));
  });
});

/** Goes on for longer than any test waits. */
const endless = ['--set', 'training.epochs=100000', '--set', 'training.validate_every=0'];

describe('a run that fails', () => {
  it(
    'with a worker that was killed, and may not be restarted, says so once, and ends with 1',
    { timeout },
    async () => {
      const lamp = train('killed', [...endless, '--max-restarts', '0']);
      await begun(lamp);
      const pids = processesOf(lamp);
      process.kill(lamp.events<{ workers: { pid: number }[] }>('launched')[0]!.workers[1]!.pid, 'SIGKILL');
      expect(await lamp.ended).toBe(1);
      expect(lamp.err).toMatch(
        /✗ worker 1 \(stage 1\) failed (in step \d+ )?(during \w+|while it had nothing to do): its process was killed/,
      );
      expect(lamp.err.match(/failed/g)).toHaveLength(1);
      await expectNothingLeft('killed', pids);
    },
  );

  it('for want of the engine says how to get it', { timeout }, async () => {
    const cache = join(folder, 'empty-cache');
    const lamp = train('engineless', ['--engine', 'tensorflow'], { LAMP_CACHE: cache });
    expect(await lamp.ended).toBe(1);
    expect(lamp.err).toContain('failed during start: EngineMissingError: the engine "tensorflow" is not installed');
    expect(lamp.err).toContain('npm run setup');
    expect(readdirSync(join(folder, 'runs'))).not.toContain('engineless');
    await expectNothingLeft('engineless', [lamp.pid]);
  });

  it('because the loss is no number any more says what mends it', { timeout }, async () => {
    const lamp = train('diverged', [...endless, '--set', 'optimizer={name: sgd, lr: 1e30}']);
    expect(await lamp.ended).toBe(1);
    expect(lamp.err).toContain('training has diverged. Lower optimizer.lr');
    await expectNothingLeft('diverged', [lamp.pid]);
  });
});

describe('a run that is stopped', () => {
  it('by Ctrl-C saves its parameters and ends with 130', { timeout }, async () => {
    const lamp = train('stopped', endless);
    await begun(lamp, 2);
    const pids = processesOf(lamp);
    const children = childrenOf(lamp.pid);
    // A signal's handler must not run where a kernel may (see Runtime).
    for (const { pid } of children) expect(groupOf(pid)).not.toBe(lamp.pid);
    const workers = children.filter(({ title }) => title.startsWith('lamp worker'));
    const cores = workers.flatMap(({ pid }) => parseCores(coresOf(pid)));
    if (availableParallelism() > 1) expect(new Set(cores).size).toBe(cores.length);
    lamp.press('SIGINT');
    expect(await lamp.ended).toBe(130);
    expect(lamp.err).toContain('stopped by Ctrl-C');
    const { tensors, metadata } = await readSafetensors(join(runFolder('stopped'), 'weights.safetensors'));
    expect(tensors.size).toBeGreaterThan(20);
    expect(metadata.get('when')).toBe(`after step ${lamp.events('step').length}`);
    await expectNothingLeft('stopped', pids);
  });

  it('by Ctrl-C twice ends at once', { timeout }, async () => {
    const lamp = train('impatient', endless);
    await begun(lamp);
    const pids = processesOf(lamp);
    // A worker that stands still holds the step up.
    process.kill(lamp.events<{ workers: { pid: number }[] }>('launched')[0]!.workers[1]!.pid, 'SIGSTOP');
    lamp.press('SIGINT');
    await until(() => lamp.err.includes('stopping'));
    // Within a second it would count as the first one's echo.
    await setTimeout(1200);
    lamp.press('SIGINT');
    expect(await lamp.ended).toBe(130);
    expect(lamp.err).not.toContain('stopped by Ctrl-C');
    await expectNothingLeft('impatient', pids);
  });

  it('by SIGTERM while it is being launched ends with 143 and leaves no folder', { timeout }, async () => {
    const lamp = train('early', endless);
    await until(() => childrenOf(lamp.pid).length > 2);
    const pids = processesOf(lamp);
    lamp.kill('SIGTERM');
    expect(await lamp.ended).toBe(143);
    expect(lamp.events('step')).toEqual([]);
    expect(readdirSync(join(folder, 'runs'))).not.toContain('early');
    await expectNothingLeft('early', pids);
  });

  it('by SIGKILL of the coordinator takes its workers and its loader with it', { timeout }, async () => {
    const lamp = train('orphans', endless);
    await begun(lamp);
    const pids = processesOf(lamp);
    expect(pids).toHaveLength(4);
    lamp.kill('SIGKILL');
    expect(await lamp.ended).toBe('SIGKILL');
    await expectNothingLeft('orphans', pids);
  });
});

it(
  'a long run with a learning rate that changes at every step, and validation in between, goes through',
  { timeout },
  async () => {
    const longer = ['--set', 'training.epochs=10', '--set', 'training.validate_every=2'];
    const schedule = ['--set', 'lr_schedule={name: cosine, warmup_steps: 10}', '--set', 'data.samples_per_epoch=16'];
    const lamp = train('long', ['--workers', '1', ...longer, ...schedule]);
    expect([await lamp.ended, lamp.err]).toEqual([0, '']);
    const rates = lamp.events<{ learningRate: number }>('step').map(({ learningRate }) => learningRate);
    // More than the engine keeps at once of the scalars that an update is made with.
    expect(new Set(rates).size).toBeGreaterThan(64);
    expect(lamp.events('validated')).toHaveLength(5);
  },
);
