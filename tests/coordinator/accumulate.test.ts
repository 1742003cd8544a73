import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readSafetensors, type StoredTensor } from '../../src/checkpoint/safetensors.ts';
import { smallRun, writeCase } from '../support/dataset.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { differenceOf } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { ended } from '../support/trained.ts';

const folder = temporaryFolder();
const timeout = 120_000;
beforeAll(() => writeCase(folder, 'one'));

interface Step {
  readonly kind: string;
  readonly learningRate: number;
  readonly gradientNorm?: number;
  readonly updates?: number;
}

interface Trained {
  readonly weights: ReadonlyMap<string, StoredTensor>;
  readonly updates: readonly Step[];
}

/** Trains for two epochs of 8 samples; returns the weights at the end and the steps that made an update. */
async function train(name: string, workers: number, training: object, lr = 0.05): Promise<Trained> {
  const run = smallRun();
  Object.assign(run.model, { norm: 'instance' });
  run.data.validation = [];
  const settings = { pipeline: { workers }, optimizer: { name: 'sgd', lr, momentum: 0.9 } };
  const file = join(folder, `${name}.yaml`);
  const lr_schedule = { name: 'cosine', warmup_steps: 2 };
  writeFileSync(
    file,
    stringify({ ...run, ...settings, lr_schedule, training: { epochs: 2, clip_norm: 0.2, ...training } }),
  );
  const lamp = new LampProcess(['train', file, '--name', name, '--output', join(folder, 'runs'), '--json']);
  await ended(lamp);
  const { tensors } = await readSafetensors(join(folder, 'runs', name, 'weights.safetensors'));
  const lines = readFileSync(join(folder, 'runs', name, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  const steps = lines.map((line) => JSON.parse(line) as Step).filter(({ kind }) => kind === 'step');
  return { weights: tensors, updates: steps.filter(({ gradientNorm }) => gradientNorm !== undefined) };
}

let whole: Trained;
beforeAll(async () => {
  whole = await train('whole', 1, { batch_size: 4 });
}, timeout);

it.each([1, 2])(
  'two mini-batches of 2 an update are one of 4 in 4 micro-batches, to rounding, on %i worker(s)',
  { timeout },
  async (workers) => {
    const parts = await train(`parts-${workers}`, workers, { batch_size: 2, accumulate: 2 });
    expect(differenceOf(whole.weights, parts.weights)).toBeLessThan(1e-5);
    const rates = (updates: readonly Step[]): number[] => updates.map(({ learningRate }) => learningRate);
    expect(rates(parts.updates)).toEqual(rates(whole.updates));
    expect(parts.updates.map(({ updates }) => updates)).toEqual([1, 2, 3, 4]);
    for (const [i, { gradientNorm }] of whole.updates.entries())
      expect(parts.updates[i]!.gradientNorm! / gradientNorm!).toBeCloseTo(1, 4);
  },
);

it(
  'the mini-batches that are left over at the end of an epoch make an update of their own mean',
  { timeout },
  async () => {
    // Nothing is learnt, so that each mini-batch has the same gradient whenever it comes: 4 of them, as 3 and 1, and one by one.
    const settings = { batch_size: 2, epochs: 1 };
    const gathered = await train('gathered', 1, { ...settings, accumulate: 3 }, 1e-30);
    const single = await train('single', 1, settings, 1e-30);
    expect([gathered.updates.length, single.updates.length]).toEqual([2, 4]);
    expect(gathered.updates.at(-1)!.gradientNorm).toBe(single.updates.at(-1)!.gradientNorm);
  },
);
