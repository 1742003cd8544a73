import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { latestCheckpoint } from '../../../src/checkpoint/training/inventory.ts';
import { pruneCheckpoints } from '../../../src/checkpoint/training/prune.ts';
import { StateFiles } from '../../../src/checkpoint/training/stateFiles.ts';
import { runFolder } from '../../support/checkpoints.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const program = fileURLToPath(new URL('../../fixtures/checkpoint/writing.mjs', import.meta.url));
const root = temporaryFolder();

/** Starts a writer in a process of its own and kills it after so long; returns the last step that it said was whole. */
async function writeUntilKilled(run: string, workers: number, milliseconds: number): Promise<number> {
  const child = spawn(process.execPath, [program, run, String(workers)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  let last = 0;
  lines.on('line', (line) => (last = Number(line) || last));
  const [ready] = (await once(lines, 'line')) as [string];
  await setTimeout(milliseconds);
  child.kill('SIGKILL');
  const [[, signal]] = (await Promise.all([ended, once(lines, 'close')])) as [[unknown, unknown], unknown];
  expect([ready, signal]).toEqual(['ready', 'SIGKILL']);
  return last;
}

test('a writer that is killed at any moment leaves the last good checkpoint, and the next goes on from it', async () => {
  const run = runFolder(root, 'killed');
  const times = fc.sample(
    fc.record({ wait: fc.integer({ min: 0, max: 120 }), workers: fc.integer({ min: 1, max: 3 }) }),
    15,
  );
  let before = 0;
  for (const { wait, workers } of times) {
    const said = await writeUntilKilled(run, workers, wait);
    const { checkpoint, passed } = await latestCheckpoint(run);
    const step = checkpoint?.step ?? 0;
    // One more than was said, where it was killed between the two.
    expect(step, `killed after ${wait} ms with ${workers} workers`).toBeGreaterThanOrEqual(Math.max(before, said));
    expect(passed.filter(({ status }) => status === 'damaged')).toEqual([]);
    if (checkpoint) await expectWholeState(checkpoint.path, step);
    before = step;
  }
  expect(before).toBeGreaterThan(0);
  await pruneCheckpoints(run, { keep: 1 });
  const left = readdirSync(join(run, 'checkpoints')).filter((name) => Number(name.slice(5)) <= before);
  expect(left).toHaveLength(1);
});

/** Every value is that of the step: nothing of another one is left in it. */
async function expectWholeState(path: string, step: number): Promise<void> {
  const state = await StateFiles.open(path);
  try {
    const tensors = await state.read(state.keys);
    expect(tensors.size).toBeGreaterThan(0);
    for (const { values } of tensors.values()) expect(values).toEqual(new Float32Array(values.length).fill(step));
  } finally {
    await state.close();
  }
}
