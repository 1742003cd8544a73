import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StoredTensor } from '../../src/checkpoint/safetensors.ts';
import { smallRun, writeRun } from '../support/dataset.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { childCalled, childrenOf, leftOf, until } from '../support/processes.ts';
import { differenceOf } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { ended, lastWeights, lossesOf, workersOf } from '../support/trained.ts';

const folder = temporaryFolder();
const timeout = 120_000;
let runFile: string;
let undisturbed: { losses: ReturnType<typeof lossesOf>; weights: ReadonlyMap<string, StoredTensor> };

const { data, ...made } = smallRun();
/** Twenty steps, a snapshot after every second. */
const run = {
  ...made,
  data: { ...data, validation: [] },
  training: { epochs: 5, batch_size: 2, validate_every: 0 },
  recovery: { snapshot_every: 2, heartbeat: 4, backoff: 0.1 },
  checkpoints: { every: 0 },
};

beforeAll(async () => {
  await writeRun(folder);
  runFile = join(folder, 'recovery.yaml');
  writeFileSync(runFile, stringify(run));
  const lamp = train('undisturbed');
  await ended(lamp);
  undisturbed = { losses: lossesOf(runFolder('undisturbed')), weights: await lastWeights(runFolder('undisturbed')) };
}, timeout);

const runFolder = (name: string): string => join(folder, 'runs', name);

function train(name: string, words: readonly string[] = []): LampProcess {
  const temporary = join(folder, `${name}-tmp`);
  mkdirSync(temporary, { recursive: true });
  const flags = ['--name', name, '--output', join(folder, 'runs'), '--json'];
  return new LampProcess(['train', runFile, ...flags, ...words], { TMPDIR: temporary });
}

const stepped = (lamp: LampProcess, step: number): Promise<void> =>
  until(() => (lamp.events<{ step: number }>('step').at(-1)?.step ?? 0) >= step, 60_000);

/** As if nothing had happened: the same losses and parameters, bit for bit, every step told once, and nothing left behind. */
async function expectUndisturbed(name: string, lamp: LampProcess): Promise<void> {
  expect([await lamp.ended, lamp.err]).toEqual([0, '']);
  expect(lossesOf(runFolder(name))).toEqual(undisturbed.losses);
  expect(differenceOf(await lastWeights(runFolder(name)), undisturbed.weights)).toBe(0);
  expect(readdirSync(join(folder, `${name}-tmp`))).toEqual([]);
}

describe('a run goes on as if nothing had happened', () => {
  it(
    'when one worker is killed, one is stopped and its heart with it, and the loader is killed',
    { timeout },
    async () => {
      const lamp = train('killed');
      await stepped(lamp, 3);
      process.kill(workersOf(lamp)[1]!.pid, 'SIGKILL');
      await until(() => lamp.events('recovered').length === 1);
      await stepped(lamp, 9);
      process.kill(workersOf(lamp)[0]!.pid, 'SIGSTOP');
      await until(() => lamp.events('recovered').length === 2);
      await stepped(lamp, 13);
      process.kill(childCalled('lamp loader', lamp.pid), 'SIGKILL');
      await expectUndisturbed('killed', lamp);
      expect(lamp.events('recovered')).toMatchObject(Array.from({ length: 3 }, () => ({ from: 'memory' })));
      const failed = lamp.events<{ peer: string; problem: string }>('failed');
      expect(failed.map(({ peer }) => peer)).toEqual(['worker 1', 'worker 0', 'loader']);
      expect(failed[1]!.problem).toContain('no sign of life');
    },
  );

  it('when all workers are killed at once, and with them every snapshot', { timeout }, async () => {
    const lamp = train('all', ['--set', 'checkpoints.every=4']);
    await stepped(lamp, 10);
    for (const { pid } of workersOf(lamp)) process.kill(pid, 'SIGKILL');
    await expectUndisturbed('all', lamp);
    expect(lamp.events('recovered')).toMatchObject([{ from: 'disk' }]);
  });

  it(
    'when it is told to end, saves and asks to be started again (75); and then its coordinator is killed',
    { timeout },
    async () => {
      const told = train('resumed', ['--set', 'checkpoints.every=4']);
      await stepped(told, 5);
      told.kill('SIGTERM');
      expect(await told.ended).toBe(75);
      expect(told.err).toContain(`to go on: lamp train --resume ${runFolder('resumed')}`);
      const killed = train('resumed', ['--resume', '--set', 'checkpoints.every=4']);
      await stepped(killed, 11);
      const pids = [killed.pid, ...childrenOf(killed.pid).map(({ pid }) => pid)];
      killed.kill('SIGKILL');
      // Its processes end by themselves.
      expect(await leftOf(pids)).toEqual([]);
      await expectUndisturbed('resumed', train('resumed', ['--resume']));
    },
  );
});

describe('a worker that nobody takes the place of', () => {
  it(
    'is done without: the run is planned again for those that are left, and its losses agree',
    { timeout },
    async () => {
      const lamp = train('fewer', ['--set', 'recovery.replace=false']);
      await stepped(lamp, 5);
      process.kill(workersOf(lamp)[1]!.pid, 'SIGKILL');
      expect([await lamp.ended, lamp.err]).toEqual([0, '']);
      expect(workersOf(lamp)).toHaveLength(1);
      const losses = lossesOf(runFolder('fewer'));
      expect(losses.map(([step]) => step)).toEqual(undisturbed.losses.map(([step]) => step));
      for (const [index, [, loss]] of losses.entries()) expect(loss).toBeCloseTo(undisturbed.losses[index]![1], 4);
    },
  );
});

describe('a run is given up', () => {
  it(
    'when it was restarted as often as it may be, with the last failure; where there is nothing to resume it begins',
    { timeout },
    async () => {
      const lamp = train('given-up', ['--resume', '--max-restarts', '1']);
      for (const step of [3, 8]) {
        await stepped(lamp, step);
        process.kill(workersOf(lamp)[1]!.pid, 'SIGKILL');
        if (step === 3) await until(() => lamp.events('recovered').length === 1);
      }
      expect(await lamp.ended).toBe(1);
      expect(lamp.events('resumed')).toEqual([]);
      expect(lamp.err).toMatch(
        /✗ worker 1 \(stage 1\) failed (in step \d+ )?(during \w+|while it had nothing to do): its process was killed/,
      );
      expect(lamp.events<{ text: string }>('note').at(-1)!.text).toContain('recovery.max_restarts: 1');
    },
  );

  it("before it begins, where what is to be resumed is no run's folder", { timeout }, async () => {
    const directory = join(folder, 'runs', 'bare');
    cpSync(runFolder('undisturbed'), directory, { recursive: true });
    rmSync(join(directory, 'run.yaml'));
    const nothing = new LampProcess(['train', '--resume', directory]);
    expect(await nothing.ended).toBe(2);
    expect(nothing.err).toMatch(
      /is no run's folder: there is no run.yaml in it; a checkpoint has it: cp \S+\/step-00000020\/run.yaml \S+\/run.yaml/,
    );
  });
});
