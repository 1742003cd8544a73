import { beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { buildModel } from '../../src/models/index.ts';
import { profileCells } from '../../src/worker/profile.ts';
import { smallModel } from '../support/replay.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});

const model = buildModel(smallModel({ depth: 2 }));
const shape = [2, 16, 8, 1];

it('every cell is timed both ways, and nothing of it is left', async () => {
  const before = engine.memory();
  const { signal } = new AbortController();
  const { forward, backward } = await profileCells(engine, model, { shape, repetitions: 2, signal });
  expect(engine.memory()).toEqual(before);
  for (const times of [forward, backward]) {
    expect(times).toHaveLength(model.cells.length);
    expect(times.every((milliseconds) => milliseconds > 0)).toBe(true);
  }
});

it('a run that ends meanwhile is not timed to the end', async () => {
  const controller = new AbortController();
  const before = engine.memory();
  const timed = profileCells(engine, model, { shape, repetitions: 2, signal: controller.signal });
  controller.abort(new Error('the run has ended'));
  await expect(timed).rejects.toThrow('the run has ended');
  expect(engine.memory()).toEqual(before);
});
