import { appendFileSync, cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { smallRun, writeRun } from '../support/dataset.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { differenceOf } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { ended, lastWeights, lossesOf } from '../support/trained.ts';

const folder = temporaryFolder();
const timeout = 300_000;
const counts = [1, 2, 3, 4] as const;
const runFolder = (name: string): string => join(folder, 'runs', name);
let runFile: string;

async function train(words: readonly string[]): Promise<LampProcess> {
  const lamp = new LampProcess(['train', ...words, '--json']);
  await ended(lamp);
  return lamp;
}

const begin = (name: string, workers: number, epochs: number): Promise<LampProcess> =>
  train([
    runFile,
    '--name',
    name,
    '--output',
    join(folder, 'runs'),
    '--workers',
    `${workers}`,
    '--set',
    `training.epochs=${epochs}`,
  ]);

beforeAll(async () => {
  await writeRun(folder);
  runFile = join(folder, 'short.yaml');
  const { data, ...rest } = smallRun();
  const training = { epochs: 2, batch_size: 2, validate_every: 0 };
  writeFileSync(runFile, stringify({ ...rest, data: { ...data, validation: [], samples_per_epoch: 4 }, training }));
  for (const workers of counts) {
    await begin(`whole-${workers}`, workers, 2);
    await begin(`half-${workers}`, workers, 1);
  }
}, timeout);

describe.each(counts)('a checkpoint of %i workers', (from) => {
  it.each(counts)('is gone on from by %i', { timeout }, async (to) => {
    const name = `${from}-to-${to}`;
    cpSync(runFolder(`half-${from}`), runFolder(name), { recursive: true });
    const words = ['--resume', runFolder(name), '--workers', `${to}`, '--set', 'training.epochs=2'];
    const lamp = await train(words);
    expect(lamp.events('resumed')).toMatchObject([{ step: 2, epoch: 1 }]);
    const [losses, expected] = [lossesOf(runFolder(name)), lossesOf(runFolder(`whole-${to}`))];
    expect(losses.map(([step]) => step)).toEqual([1, 2, 3, 4]);
    const difference = differenceOf(await lastWeights(runFolder(name)), await lastWeights(runFolder(`whole-${to}`)));
    if (from === to) expect([losses, difference]).toEqual([expected, 0]);
    for (const [index, [, loss]] of losses.entries()) expect(loss).toBeCloseTo(expected[index]![1], 4);
    expect(difference).toBeLessThan(1e-3);
  });
});

it('of checkpoints that are damaged the one before is taken, and the file is named', { timeout }, async () => {
  const name = 'damaged';
  await begin(name, 2, 1);
  await train(['--resume', runFolder(name), '--set', 'training.epochs=2']);
  const checkpoints = join(runFolder(name), 'checkpoints');
  expect(readdirSync(checkpoints).toSorted()).toEqual(['step-00000002', 'step-00000004']);
  appendFileSync(join(checkpoints, 'step-00000004', 'worker-1.safetensors'), 'x');
  const lamp = await train(['--resume', runFolder(name), '--set', 'training.epochs=2']);
  expect(lamp.events('resumed')).toMatchObject([{ step: 2 }]);
  const notes = lamp.events<{ text: string }>('note').map(({ text }) => text);
  expect(notes.some((text) => text.includes('step-00000004') && text.includes('worker-1.safetensors'))).toBe(true);
  expect(lossesOf(runFolder(name))).toEqual(lossesOf(runFolder('whole-2')));
});
