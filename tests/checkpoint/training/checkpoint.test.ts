import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { commitCheckpoint, discardCheckpoint, prepareCheckpoint } from '../../../src/checkpoint/training/commit.ts';
import { latestCheckpoint, listCheckpoints, verifyCheckpoint } from '../../../src/checkpoint/training/inventory.ts';
import { formatManifest, parseManifest, readManifest } from '../../../src/checkpoint/training/manifest.ts';
import { folderOfStep, manifestFile, stepOfFolder } from '../../../src/checkpoint/training/names.ts';
import { StateFiles } from '../../../src/checkpoint/training/stateFiles.ts';
import { disposeWriter, writePart } from '../../../src/checkpoint/training/writer.ts';
import { runFolder, smallState, writeCheckpoint } from '../../support/checkpoints.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const root = temporaryFolder();
afterAll(disposeWriter);
let runs = 0;
const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');
const newRun = (): string => runFolder(root, `run-${++runs}`);

describe('what is written comes back', () => {
  test.each([1, 2, 3, 9])('from %s workers, by names alone', async (workers) => {
    const path = await writeCheckpoint(newRun(), 120, { workers });
    const state = await StateFiles.open(path);
    try {
      expect(state.keys.toSorted()).toEqual([...smallState(120).keys()].toSorted());
      const some = ['decoder.0.weight', 'exp_avg/encoder.0.bias'];
      expect([...(await state.read(some))]).toEqual(some.map((key) => [key, smallState(120).get(key)]));
      expect(await state.read(smallState(120).keys())).toEqual(smallState(120));
      await expect(state.read(['encoder.9.weight', 'decoder.0.weight'])).rejects.toThrow(
        `${path}: does not hold encoder.9.weight; see that the model`,
      );
    } finally {
      await state.close();
    }
  });

  test("with the coordinator's state, every number as it was", async () => {
    const state = { best: { dice: Number.NaN, loss: Infinity }, zero: -0, list: [1, -Infinity, 0.1], name: 'Grüße' };
    const path = await writeCheckpoint(newRun(), 7, { state });
    expect((await readManifest(path)).state).toEqual(state);
    const { checkpoint } = await latestCheckpoint(join(path, '..', '..'));
    expect(checkpoint).toMatchObject({ step: 7, path, manifest: { epoch: 1, layout: { workers: 2 } } });
  });

  test("with files beside the parts, which are no part of the network's state", async () => {
    const run = newRun();
    const { path } = await prepareCheckpoint(run, 1);
    const files = await Promise.all(
      ['worker-0.safetensors', 'predictions.safetensors'].map(async (name) => ({
        name,
        ...(await writePart(join(path, name), smallState(1))),
      })),
    );
    await commitCheckpoint(path, { step: 1, epoch: 1, files, layout: { workers: 1, replicas: 1 }, state: {} });
    expect(await verifyCheckpoint(path)).toMatchObject({ status: 'whole' });
    const state = await StateFiles.open(path);
    expect(state.fileOf('encoder.0.weight')).toBe(join(path, 'worker-0.safetensors'));
    await state.close();
  });
});

test('a folder is called after its step', () => {
  expect(folderOfStep('runs/a', 120)).toBe('runs/a/checkpoints/step-00000120');
  expect(stepOfFolder(folderOfStep('runs/a', 123_456_789))).toBe(123_456_789);
  expect(stepOfFolder('runs/a/checkpoints/step-12')).toBeUndefined();
});

describe('a checkpoint is none', () => {
  test('before its manifest is there', async () => {
    const run = newRun();
    await writeCheckpoint(run, 1);
    const { path } = await prepareCheckpoint(run, 2);
    await writePart(join(path, 'worker-0.safetensors'), smallState(2));
    expect(await listCheckpoints(run)).toMatchObject([
      { step: 2, status: 'unfinished', file: manifestFile },
      { step: 1, status: 'whole' },
    ]);
    const { checkpoint, passed } = await latestCheckpoint(run);
    expect([checkpoint?.step, passed.map(({ step }) => step)]).toEqual([1, [2]]);
  });

  test('where a part is not here as it was said to be: its manifest is not written', async () => {
    const { path } = await prepareCheckpoint(newRun(), 1);
    const part = { name: 'worker-0.safetensors', bytes: 9, sha256: '0'.repeat(64) };
    const facts = { step: 1, epoch: 1, files: [part], layout: { workers: 1, replicas: 1 }, state: {} };
    await expect(commitCheckpoint(path, facts)).rejects.toThrow(/worker-0\.safetensors: cannot be read: .*ENOENT/);
    writeFileSync(join(path, part.name), 'too short');
    await expect(commitCheckpoint(path, { ...facts, files: [{ ...part, bytes: 10 }] })).rejects.toThrow(
      'has 9 bytes where the manifest says 10',
    );
    await expect(commitCheckpoint(path, { ...facts, step: 2 })).rejects.toThrow('is the folder of step 1, not of 2');
    expect(existsSync(join(path, manifestFile))).toBe(false);
  });

  test.each(['../other/worker-0.safetensors', '/etc/passwd', '..', '.hidden', 'manifest.json', ''])(
    'where its manifest leads elsewhere: %j',
    async (name) => {
      const { path } = await prepareCheckpoint(newRun(), 1);
      const files = [{ name, bytes: 0, sha256: '0'.repeat(64) }];
      const facts = { step: 1, epoch: 1, files, layout: { workers: 1, replicas: 1 }, state: {} };
      await expect(commitCheckpoint(path, facts)).rejects.toThrow(/manifest\.json: files\.0\.name: /);
      const manifest = { version: 1 as const, created: new Date().toISOString(), ...facts };
      const sealed = Buffer.from(formatManifest(manifest));
      expect(() => parseManifest('manifest.json', sealed)).toThrow(/files\.0\.name: .*; take another checkpoint/);
    },
  );

  test('where a key is in two parts', async () => {
    const { path } = await prepareCheckpoint(newRun(), 1);
    const files = await Promise.all(
      ['worker-0.safetensors', 'worker-1.safetensors'].map(async (name) => ({
        name,
        ...(await writePart(join(path, name), smallState(1))),
      })),
    );
    await commitCheckpoint(path, { step: 1, epoch: 1, files, layout: { workers: 2, replicas: 1 }, state: {} });
    await expect(StateFiles.open(path)).rejects.toThrow(
      /worker-1\.safetensors: holds .*, which .*worker-0\.safetensors holds, too/,
    );
    expect(await verifyCheckpoint(path)).toMatchObject({ status: 'damaged', file: 'worker-1.safetensors' });
  });

  test('where it is of a later version of the format', () => {
    const later = { ...exampleManifest(), version: 2 as unknown as 1 };
    expect(() => parseManifest('manifest.json', Buffer.from(formatManifest(later)))).toThrow(
      'manifest.json: is of version 2; this LAMP reads version 1; use a newer LAMP',
    );
  });

  test('under the name of another step', async () => {
    const run = newRun();
    const path = await writeCheckpoint(run, 1);
    const other = folderOfStep(run, 2);
    cpSync(path, other, { recursive: true });
    expect(await listCheckpoints(run)).toMatchObject([
      { step: 2, status: 'damaged', file: manifestFile, problem: 'is of step 1' },
      { step: 1, status: 'whole' },
    ]);
    // Anywhere else it may be called as one likes.
    cpSync(path, join(run, 'copy'), { recursive: true });
    expect(await verifyCheckpoint(join(run, 'copy'))).toMatchObject({ status: 'whole', step: 1 });
  });
});

const exampleManifest = (): Parameters<typeof formatManifest>[0] => ({
  ...{ version: 1, created: new Date().toISOString(), step: 1, epoch: 1 },
  ...{ files: [], layout: { workers: 1, replicas: 1 }, state: null },
});

test('what someone else has sealed is told apart from what is no JSON, and from what is no manifest', () => {
  const reseal = (text: string): Buffer => {
    const sealed = formatManifest(exampleManifest()).replace(/[\s\S]*(?=,\n {2}"sha256")/, text);
    return Buffer.from(sealed.replace(/[0-9a-f]{64}/, sha256Of(text)));
  };
  expect(() => parseManifest('m', reseal('{ "version": 1'))).toThrow(/m: created: /);
  expect(() => parseManifest('m', reseal('nonsense'))).toThrow(/m: is no JSON/);
  expect(() => parseManifest('m', reseal('{ "version": 1, "surplus": 2'))).toThrow(/surplus/);
});

describe('a step that is come by once more', () => {
  test('keeps its checkpoint where that is whole', async () => {
    const run = newRun();
    const path = await writeCheckpoint(run, 5);
    const before = readFileSync(join(path, manifestFile));
    expect(await prepareCheckpoint(run, 5)).toEqual({ path, present: true });
    expect(readFileSync(join(path, manifestFile))).toEqual(before);
  });

  test('is written anew where it was damaged or never finished', async () => {
    const run = newRun();
    const path = await writeCheckpoint(run, 5);
    appendFileSync(join(path, 'worker-1.safetensors'), 'x');
    expect(await prepareCheckpoint(run, 5)).toEqual({ path, present: false });
    expect(readdirSync(path)).toEqual([]);
    writeFileSync(join(path, '.worker-0.safetensors.1.tmp'), 'half');
    expect(await prepareCheckpoint(run, 5)).toEqual({ path, present: false });
    expect(readdirSync(path)).toEqual([]);
  });
});

test('a checkpoint that is discarded is gone, and once more is no fault', async () => {
  const run = newRun();
  const path = await writeCheckpoint(run, 5);
  await discardCheckpoint(path);
  await discardCheckpoint(path);
  expect(await listCheckpoints(run)).toEqual([]);
});

test('a run without checkpoints has none', async () => {
  expect(await listCheckpoints(newRun())).toEqual([]);
  expect(await latestCheckpoint(newRun())).toEqual({ checkpoint: undefined, passed: [] });
});

test('reading all of one can be stopped', async () => {
  const path = await writeCheckpoint(newRun(), 5);
  const reason = new Error('stopped');
  await expect(verifyCheckpoint(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test('a part that is sound for its SHA-256 and is no safetensors file is named', async () => {
  const { path } = await prepareCheckpoint(newRun(), 1);
  const name = 'worker-0.safetensors';
  writeFileSync(join(path, name), 'abc');
  const files = [{ name, bytes: 3, sha256: sha256Of('abc') }];
  await commitCheckpoint(path, { step: 1, epoch: 1, files, layout: { workers: 1, replicas: 1 }, state: {} });
  expect(await verifyCheckpoint(path)).toMatchObject({
    ...{ status: 'damaged', file: name },
    problem: '3 bytes are too few for a safetensors file, which starts with 8 bytes',
  });
});
