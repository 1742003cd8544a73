import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Crew } from '../../src/coordinator/crew.ts';
import { smallRun, writeRun } from '../support/dataset.ts';
import { trainPhaseOn, type PhaseOutcome } from '../support/phaseOn.ts';
import { differenceOf } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const timeout = 120_000;
let crew: Crew;
let undisturbed: PhaseOutcome;

/** Twelve steps on two replicas of two workers, a snapshot after every second; nothing is on disk to go on from. */
const run = {
  ...smallRun(),
  training: { epochs: 3, batch_size: 2, validate_every: 0 },
  recovery: { snapshot_every: 2, backoff: 0.1 },
  checkpoints: { every: 0 },
};

/** Trains, and at each of these steps ends the processes of some workers, as they are numbered then. */
function train(
  name: string,
  recovery: object,
  blows: Readonly<Record<number, readonly number[]>>,
): Promise<PhaseOutcome> {
  const directory = join(folder, 'runs', name);
  mkdirSync(directory, { recursive: true });
  const left = new Map(Object.entries(blows).map(([step, workers]) => [Number(step), workers]));
  return trainPhaseOn(crew, {
    ...{ run: { ...run, recovery: { ...run.recovery, ...recovery } }, shape: { workers: 2, replicas: 2 } },
    ...{ directory, baseDirectory: folder },
    told: (event) => {
      if (event.kind !== 'step') return;
      const pids = (left.get(event.step) ?? []).map((worker) => crew.fleet.pid(`worker ${worker}`));
      left.delete(event.step);
      for (const pid of pids) process.kill(pid, 'SIGKILL');
    },
  });
}

const recoveriesOf = ({ events }: PhaseOutcome): readonly object[] =>
  events.flatMap((event) => (event.kind === 'recovered' ? [{ from: event.from, workers: event.workers.length }] : []));

beforeAll(async () => {
  await writeRun(folder);
  crew = await Crew.launch({
    ...{ workers: 2, replicas: 2, engine: { name: 'auto', threads: 1 }, signal: new AbortController().signal },
  });
  undisturbed = await train('undisturbed', {}, {});
}, timeout);
afterAll(() => crew.close());

it(
  'a worker of two replicas, then all of one, are replaced: from memory, and as if nothing had happened',
  { timeout },
  async () => {
    const disturbed = await train('replaced', {}, { 4: [1], 9: [2, 3] });
    expect(recoveriesOf(disturbed)).toEqual([
      { from: 'memory', workers: 4 },
      { from: 'memory', workers: 4 },
    ]);
    expect(disturbed.losses).toEqual(undisturbed.losses);
    expect(differenceOf(disturbed.weights, undisturbed.weights)).toBe(0);
  },
);

it(
  'without others in their places those that are left form up anew, from memory each time, and losses agree',
  { timeout },
  async () => {
    const disturbed = await train('fewer', { replace: false }, { 3: [1], 6: [0], 9: [1] });
    expect(recoveriesOf(disturbed)).toEqual([
      { from: 'memory', workers: 3 },
      { from: 'memory', workers: 2 },
      { from: 'memory', workers: 1 },
    ]);
    expect([...disturbed.losses.keys()].toSorted((a, b) => a - b)).toEqual([...undisturbed.losses.keys()]);
    for (const [step, loss] of undisturbed.losses) expect(disturbed.losses.get(step)).toBeCloseTo(loss, 4);
  },
);
