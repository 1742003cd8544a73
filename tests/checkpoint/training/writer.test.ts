import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readSafetensors, type HostTensor } from '../../../src/checkpoint/safetensors.ts';
import { CheckpointError } from '../../../src/checkpoint/training/checkpointError.ts';
import { disposeWriter, writePart } from '../../../src/checkpoint/training/writer.ts';
import { smallState } from '../../support/checkpoints.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const folder = temporaryFolder();
afterAll(disposeWriter);

function tensorsOf(all: ReadonlyMap<string, HostTensor>): Record<string, unknown> {
  return Object.fromEntries([...all].map(([key, { shape, values }]) => [key, { shape, values: [...values] }]));
}

test('a part that was written reads as it was, and is known by its size and SHA-256', async () => {
  const file = join(folder, 'part.safetensors');
  const written = await writePart(file, smallState(3), { step: '3' });
  const { tensors, metadata } = await readSafetensors(file);
  expect(tensorsOf(tensors)).toEqual(tensorsOf(smallState(3)));
  expect(metadata.get('step')).toBe('3');
  const bytes = readFileSync(file);
  expect(written).toEqual({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
});

test('shared memory, parts of larger memory and buffers of a pool are written for what they are', async () => {
  const file = join(folder, 'views.safetensors');
  const shared = new Float32Array(new SharedArrayBuffer(64), 8, 5).fill(1.5);
  const whole = Float32Array.from({ length: 100 }, (_, i) => i);
  const views = new Map<string, HostTensor>([
    ['shared', { shape: [5], values: shared }],
    ['view', { shape: [2, 2], values: whole.subarray(10, 14) }],
    ['other view', { shape: [3], values: whole.subarray(97) }],
    ['pooled', { shape: [3], values: Buffer.from([7, 8, 9]) }],
    ['none', { shape: [0], values: new Float32Array(0) }],
  ]);
  const writing = writePart(file, views);
  // What is not shared was copied: whoever calls may go on with it at once.
  whole.fill(-1);
  await writing;
  expect(tensorsOf((await readSafetensors(file)).tensors)).toEqual({
    shared: { shape: [5], values: [1.5, 1.5, 1.5, 1.5, 1.5] },
    view: { shape: [2, 2], values: [10, 11, 12, 13] },
    'other view': { shape: [3], values: [97, 98, 99] },
    pooled: { shape: [3], values: [7, 8, 9] },
    none: { shape: [0], values: [] },
  });
  expect(whole.length).toBe(100);
});

test('many parts at once come out each by its own name', async () => {
  const files = Array.from({ length: 20 }, (_, step) => join(folder, `many-${step}.safetensors`));
  await Promise.all(files.map((file, step) => writePart(file, smallState(step))));
  for (const [step, file] of files.entries())
    expect(tensorsOf((await readSafetensors(file)).tensors)).toEqual(tensorsOf(smallState(step)));
});

test('a folder that is not there is told with its remedy, and the thread goes on', async () => {
  const file = join(folder, 'absent', 'part.safetensors');
  const error: unknown = await writePart(file, smallState(1)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(CheckpointError);
  expect(error).toMatchObject({ path: file, code: 'ENOENT', problem: expect.stringContaining('cannot be written') });
  const next = join(folder, 'next.safetensors');
  const { bytes } = await writePart(next, smallState(1));
  expect(readFileSync(next).length).toBe(bytes);
});

test('a part that cannot take its name leaves no temporary file', async () => {
  const own = join(folder, 'taken');
  mkdirSync(join(own, 'part.safetensors', 'something'), { recursive: true });
  await expect(writePart(join(own, 'part.safetensors'), smallState(1))).rejects.toThrow(
    /part\.safetensors: cannot be written: there is a folder where a file should be \(EISDIR\); move that folder away/,
  );
  expect(readdirSync(own)).toEqual(['part.safetensors']);
});

test('the writer ends when all is written, and begins anew when it is needed', async () => {
  const files = [1, 2, 3].map((n) => join(folder, `last-${n}.safetensors`));
  const writing = files.slice(0, 2).map((file) => writePart(file, smallState(1)));
  await disposeWriter();
  await Promise.all(writing);
  await writePart(files[2]!, smallState(1));
  await disposeWriter();
  await disposeWriter();
  for (const file of files) expect(tensorsOf((await readSafetensors(file)).tensors)).toEqual(tensorsOf(smallState(1)));
});
