import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { smallRun, writeRun } from '../support/dataset.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { until } from '../support/processes.ts';
import { differenceOf } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lastWeights, lossesOf, metricsOf, workersOf } from '../support/trained.ts';

const folder = temporaryFolder();
const timeout = 120_000;
const runFolder = (name: string): string => join(folder, 'runs', name);
beforeAll(() => writeRun(folder));

/** What is gone on from is more than the parameters, in each of these. */
const runs = {
  // Stopped when the second phase has made no update, so that the first is gone on from, at its end.
  'of two phases that stop early, and losses gathered for one update': {
    stop: 9,
    kill: 2,
    training: {
      ...{ epochs: 9, batch_size: 2, validate_every: 1, accumulate: 3, clip_norm: 1 },
      early_stop: { patience: 1, min_delta: 0.9 },
    },
    phases: [{ name: 'first' }, { name: 'second', training: { epochs: 3 }, optimizer: { lr: 0.01 } }],
  },
  'with a teacher, and a learning rate that falls': {
    stop: 6,
    kill: 4,
    training: { epochs: 4, batch_size: 2, validate_every: 2, self_ensembling: { ramp_epochs: 2, noise: 0.05 } },
    lr_schedule: { name: 'cosine' },
  },
};

function train(file: string, name: string, words: readonly string[] = []): LampProcess {
  return new LampProcess(['train', file, '--name', name, '--output', join(folder, 'runs'), '--json', ...words]);
}

const times = new Set(['seconds', 'samplesPerSecond', 'directory']);

/** Plain data without what differs from run to run. */
const timeless = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, each: unknown) => (times.has(key) ? undefined : each)));

/** The last of what is told at the end, without times. */
const resultOf = (lamp: LampProcess): unknown => timeless(lamp.events('result'));

describe.each(Object.entries(runs))('a run %s', (title, { stop, kill, ...own }) => {
  it('that is stopped, resumed, and loses a worker ends as if nothing had happened', { timeout }, async () => {
    const slug = title.replaceAll(/\W+/g, '-');
    const file = join(folder, `${slug}.yaml`);
    const recovery = { snapshot_every: 3, heartbeat: 4, backoff: 0.1 };
    writeFileSync(file, stringify({ ...smallRun(), recovery, checkpoints: { every: 4 }, ...own }));
    const whole = train(file, `${slug}-whole`);
    expect([await whole.ended, whole.err]).toEqual([0, '']);

    const name = `${slug}-disturbed`;
    const stopped = train(file, name);
    await until(() => stopped.events('step').length >= stop, 60_000);
    stopped.kill('SIGTERM');
    expect(await stopped.ended).toBe(75);
    const resumed = train(file, name, ['--resume']);
    await until(() => resumed.events('step').length >= kill, 60_000);
    process.kill(workersOf(resumed)[1]!.pid, 'SIGKILL');
    expect([await resumed.ended, resumed.err]).toEqual([0, '']);

    expect(lossesOf(runFolder(name))).toEqual(lossesOf(runFolder(`${slug}-whole`)));
    const validated = (run: string): unknown => timeless(metricsOf(runFolder(run), 'validated'));
    expect(validated(name)).toEqual(validated(`${slug}-whole`));
    expect(resultOf(resumed)).toEqual(resultOf(whole));
    expect(differenceOf(await lastWeights(runFolder(name)), await lastWeights(runFolder(`${slug}-whole`)))).toBe(0);
  });
});

it('what is learnt from what may not change on the way, and the keys that did are named', { timeout }, async () => {
  const file = join(folder, 'run.yaml');
  const begun = train(file, 'begun', ['--set', 'training.epochs=1']);
  expect([await begun.ended, begun.err]).toEqual([0, '']);
  const changed = train(file, 'begun', ['--resume', '--set', 'optimizer.lr=0.5', '--set', 'data.augment.rotate=9']);
  expect(await changed.ended).toBe(2);
  expect(changed.err).toContain('data.augment, optimizer.lr differ');
});

it('no two processes train in one folder', { timeout }, async () => {
  const file = join(folder, 'run.yaml');
  const first = train(file, 'claimed', ['--set', 'training.epochs=100000', '--set', 'training.validate_every=0']);
  await until(() => first.events('step').length > 0, 60_000);
  const second = train(file, 'claimed', [
    '--resume',
    '--set',
    'training.epochs=100000',
    '--set',
    'training.validate_every=0',
  ]);
  expect(await second.ended).toBe(2);
  expect(second.err).toContain(`${runFolder('claimed')} is being trained by another process`);
  first.kill('SIGINT');
  expect(await first.ended).toBe(130);
});
