import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { smallRun, writeRun } from '../support/dataset.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { until } from '../support/processes.ts';
import { differenceOf } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { ended, lastWeights, lossesOf, workersOf } from '../support/trained.ts';

const folder = temporaryFolder();
const timeout = 180_000;
const runFolder = (name: string): string => join(folder, 'runs', name);

/** Twelve steps of four samples in four micro-batches, a snapshot after every second, a checkpoint after the sixth. */
const run = {
  ...smallRun(),
  training: { epochs: 6, batch_size: 4, validate_every: 3 },
  pipeline: { workers: 2, replicas: 2, micro_batches: 4 },
  recovery: { snapshot_every: 2, heartbeat: 4, backoff: 0.1 },
  checkpoints: { every: 6, keep: 9 },
};

function train(name: string, words: readonly string[]): LampProcess {
  const flags = ['--name', name, '--output', join(folder, 'runs'), '--json'];
  return new LampProcess(['train', join(folder, 'replicas.yaml'), ...flags, ...words]);
}

beforeAll(async () => {
  await writeRun(folder);
  writeFileSync(join(folder, 'replicas.yaml'), stringify(run));
  await ended(train('2x2', []));
  await ended(train('1x3', ['--replicas', '1', '--workers', '3']));
}, timeout);

const stepped = (lamp: LampProcess, step: number): Promise<void> =>
  until(() => (lamp.events<{ step: number }>('step').at(-1)?.step ?? 0) >= step, 60_000);

const recovered = (lamp: LampProcess, times: number): Promise<void> =>
  until(() => lamp.events('recovered').length === times, 60_000);

/** The same losses and parameters as another run, bit for bit or to rounding. */
async function expectSame(name: string, other: string, exactly: boolean): Promise<void> {
  const [losses, expected] = [lossesOf(runFolder(name)), lossesOf(runFolder(other))];
  const difference = differenceOf(await lastWeights(runFolder(name)), await lastWeights(runFolder(other)));
  expect(losses.map(([step]) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  if (exactly) expect([losses, difference]).toEqual([expected, 0]);
  for (const [index, [, loss]] of losses.entries()) expect(loss).toBeCloseTo(expected[index]![1], 3);
  expect(difference).toBeLessThan(1e-2);
}

describe('two replicas of two workers', () => {
  it('go on as if nothing had happened when a worker is lost, or all of a replica', { timeout }, async () => {
    const lamp = train('killed', []);
    await stepped(lamp, 3);
    process.kill(workersOf(lamp)[3]!.pid, 'SIGKILL');
    await recovered(lamp, 1);
    await stepped(lamp, 7);
    for (const { pid } of workersOf(lamp).slice(0, 2)) process.kill(pid, 'SIGKILL');
    expect([await lamp.ended, lamp.err]).toEqual([0, '']);
    const from = lamp.events<{ from: string }>('recovered').map((event) => event.from);
    expect(from.length).toBeGreaterThanOrEqual(2);
    expect(from.every((each) => each === 'memory')).toBe(true);
    await expectSame('killed', '2x2', true);
  });

  it(
    'are one of three, and then of two, when a worker is lost that nobody takes the place of',
    { timeout },
    async () => {
      const lamp = train('fewer', ['--set', 'recovery.replace=false']);
      await stepped(lamp, 3);
      process.kill(workersOf(lamp)[1]!.pid, 'SIGKILL');
      await recovered(lamp, 1);
      expect(workersOf(lamp)).toHaveLength(3);
      await stepped(lamp, 8);
      process.kill(workersOf(lamp)[2]!.pid, 'SIGKILL');
      expect([await lamp.ended, lamp.err]).toEqual([0, '']);
      expect(workersOf(lamp)).toHaveLength(2);
      expect(lamp.events('recovered')).toMatchObject([{ from: 'memory' }, { from: 'memory' }]);
      await expectSame('fewer', '2x2', false);
    },
  );
});

/** Takes a run back to its checkpoint after six steps, under another name. */
function backAtSix(from: string, name: string): void {
  cpSync(runFolder(from), runFolder(name), { recursive: true });
  const checkpoints = join(runFolder(name), 'checkpoints');
  for (const each of readdirSync(checkpoints))
    if (each > 'step-00000006') rmSync(join(checkpoints, each), { recursive: true });
}

it.each([
  ['2x2', 2, 2],
  ['2x2', 1, 3],
  ['2x2', 1, 1],
  ['1x3', 2, 2],
  ['1x3', 4, 1],
] as const)('a checkpoint of %s workers is gone on from by %i × %i', { timeout }, async (from, replicas, workers) => {
  const name = `${from}-to-${replicas}x${workers}`;
  backAtSix(from, name);
  const shape = ['--replicas', `${replicas}`, '--workers', `${workers}`];
  const lamp = new LampProcess(['train', '--resume', runFolder(name), ...shape, '--json']);
  expect([await lamp.ended, lamp.err]).toEqual([0, '']);
  expect(lamp.events('resumed')).toMatchObject([{ step: 6 }]);
  await expectSame(name, from, from === `${replicas}x${workers}`);
});
