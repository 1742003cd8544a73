import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HostTensor } from '../../src/checkpoint/safetensors.ts';
import { commitCheckpoint, prepareCheckpoint } from '../../src/checkpoint/training/commit.ts';
import { partFile } from '../../src/checkpoint/training/names.ts';
import { writePart } from '../../src/checkpoint/training/writer.ts';

/** A state of a few tensors, in which every value follows from the step. */
export function smallState(step: number): ReadonlyMap<string, HostTensor> {
  const vector = (length: number, at: number): HostTensor => ({
    shape: [length],
    values: Float32Array.from({ length }, (_, i) => step + at / 10 + i / 100),
  });
  return new Map<string, HostTensor>([
    ['encoder.0.weight', vector(6, 1)],
    ['encoder.0.bias', vector(2, 2)],
    ['decoder.0.weight', vector(4, 3)],
    ['exp_avg/encoder.0.weight', vector(6, 4)],
    ['exp_avg/encoder.0.bias', vector(2, 5)],
    ['exp_avg/decoder.0.weight', vector(4, 6)],
    ['teacher/encoder.0.weight', vector(6, 7)],
    ['teacher/encoder.0.bias', vector(2, 8)],
    ['teacher/decoder.0.weight', vector(4, 9)],
  ]);
}

/** Makes a run's folder. */
export function runFolder(root: string, name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  return folder;
}

/** Writes the small state of a step as so many workers would, each its share of the keys; returns the checkpoint's folder. */
export async function writeCheckpoint(
  run: string,
  step: number,
  { workers = 2, state = {} }: { workers?: number; state?: unknown } = {},
): Promise<string> {
  const { path } = await prepareCheckpoint(run, step);
  const files = [];
  for (let worker = 0; worker < workers; worker++) {
    const name = partFile(worker);
    const share = new Map([...smallState(step)].filter((_, i) => i % workers === worker));
    files.push({ name, ...(await writePart(join(path, name), share)) });
  }
  await commitCheckpoint(path, { step, epoch: 1, files, layout: { workers, replicas: 1 }, state });
  return path;
}
