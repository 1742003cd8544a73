import { appendFileSync, cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderOfStep } from '../../src/checkpoint/training/names.ts';
import { Crew } from '../../src/coordinator/crew.ts';
import { workersIn, type Shape } from '../../src/coordinator/replicas.ts';
import { smallRun, writeRun } from '../support/dataset.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { trainPhaseOn, type PhaseOutcome } from '../support/phaseOn.ts';
import { differenceOf } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { ended, lastWeights, lossesOf } from '../support/trained.ts';

const folder = temporaryFolder();
const timeout = 120_000;
const runFolder = (name: string): string => join(folder, 'runs', name);

/** Four steps of three samples in three micro-batches, a checkpoint after the second. */
const { data, pipeline, ...rest } = smallRun();
const run = {
  ...rest,
  data: { ...data, validation: [], samples_per_epoch: 6, cache: { memory: '1MB' } },
  training: { epochs: 2, batch_size: 3, validate_every: 0 },
  pipeline: { ...pipeline, micro_batches: 3 } as Record<string, unknown>,
  checkpoints: { every: 2 },
};

/** Replicas of so many workers, on at most four. */
const shapes: readonly Shape[] = [
  ...[1, 2, 3, 4].map((workers) => ({ replicas: 1, workers })),
  ...[2, 3].map((replicas) => ({ replicas, workers: 1 })),
  { replicas: 2, workers: 2 },
];
const nameOf = ({ replicas, workers }: Shape): string => `${replicas} × ${workers}`;
const crews = new Map<number, Crew>();
const whole = new Map<Shape, PhaseOutcome>();

beforeAll(async () => {
  await writeRun(folder);
  const { signal } = new AbortController();
  const launched = [1, 2, 3, 4].map((workers) =>
    Crew.launch({ workers, engine: { name: 'auto', threads: 1 }, signal }),
  );
  for (const crew of await Promise.all(launched)) crews.set(crew.workers, crew);
  for (const shape of shapes) whole.set(shape, await trainOn(shape, nameOf(shape)));
}, timeout);
afterAll(() => Promise.all([...crews.values()].map((crew) => crew.close())));

function trainOn(shape: Shape, name: string, resume = false, asked: object = run): Promise<PhaseOutcome> {
  const directory = runFolder(name);
  mkdirSync(directory, { recursive: true });
  const own = { ...run, ...asked };
  return trainPhaseOn(crews.get(workersIn(shape))!, { run: own, shape, directory, baseDirectory: folder, resume });
}

/** A run of which there is nothing but the checkpoint that another had after two steps. */
function asAfterTwo(from: string, name: string): void {
  cpSync(folderOfStep(runFolder(from), 2), folderOfStep(runFolder(name), 2), { recursive: true });
}

/** Goes on with a checkpoint of one shape on another, and holds what comes of it to the whole run there. */
async function expectToGoOn(from: Shape, to: Shape, name: string, asked: object = run): Promise<PhaseOutcome> {
  asAfterTwo(nameOf(from), name);
  const gone = await trainOn(to, name, true, asked);
  expect(gone.events.filter(({ kind }) => kind === 'resumed')).toMatchObject([{ step: 2, epoch: 1 }]);
  expect([...gone.losses.keys()]).toEqual([3, 4]);
  const expected = whole.get(to)!;
  for (const [step, loss] of gone.losses) expect(loss).toBeCloseTo(expected.losses.get(step)!, 4);
  expect(differenceOf(gone.weights, expected.weights)).toBeLessThan(1e-3);
  return gone;
}

describe.each(shapes.map((shape) => [nameOf(shape), shape] as const))('a checkpoint of %s workers', (_, from) => {
  it.each(shapes.map((shape) => [nameOf(shape), shape] as const))(
    'is gone on from by %s',
    { timeout },
    async (_name, to) => {
      const { losses, weights } = await expectToGoOn(from, to, `${nameOf(from)} to ${nameOf(to)}`);
      if (from !== to) return;
      const expected = whole.get(to)!;
      for (const [step, loss] of losses) expect(loss).toBe(expected.losses.get(step));
      expect(differenceOf(weights, expected.weights)).toBe(0);
    },
  );
});

it.each(['interleaved_1f1b', 'zb_v'])(
  'a checkpoint of 2 × 2 workers is gone on from in another order and placement: %s',
  { timeout },
  async (schedule) => {
    const [from, to] = [shapes.at(-1)!, shapes[1]!];
    await expectToGoOn(from, to, schedule, { pipeline: { ...run.pipeline, schedule } });
  },
);

it(
  'of checkpoints that are damaged the one before is taken, and the file is named; also on another engine, in another shape and order',
  { timeout },
  async () => {
    const file = join(folder, 'small.yaml');
    // Plain tfjs takes its time.
    writeFileSync(file, stringify({ ...run, data: { ...run.data, patch_size: [8, 8, 8] } }));
    await ended(new LampProcess(['train', file, '--output', join(folder, 'runs'), '--json']));
    const directory = runFolder(run.name);
    const checkpoints = join(directory, 'checkpoints');
    expect(readdirSync(checkpoints).toSorted()).toEqual(['step-00000002', 'step-00000004']);
    const [before, weights] = [lossesOf(directory), await lastWeights(directory)];
    appendFileSync(join(checkpoints, 'step-00000004', 'worker-1.safetensors'), 'x');
    const shape = ['--workers', '1', '--replicas', '3', '--set', 'pipeline.schedule=1f1b', '--set', 'engine.name=cpu'];
    const lamp = new LampProcess(['train', '--resume', directory, '--json', ...shape]);
    await ended(lamp);
    expect(lamp.events('resumed')).toMatchObject([{ step: 2 }]);
    const notes = lamp.events<{ text: string }>('note').map(({ text }) => text);
    expect(notes.some((text) => text.includes('step-00000004') && text.includes('worker-1.safetensors'))).toBe(true);
    const losses = lossesOf(directory);
    expect(losses.map(([step]) => step)).toEqual([1, 2, 3, 4]);
    for (const [index, [, loss]] of losses.entries()) expect(loss).toBeCloseTo(before[index]![1], 4);
    const difference = differenceOf(await lastWeights(directory), weights);
    expect(difference).toBeLessThan(1e-3);
    // Nothing but the engine and the order of sums was otherwise.
    expect(difference).toBeGreaterThan(0);
  },
);
