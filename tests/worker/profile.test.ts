import { beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { buildModel } from '../../src/models/index.ts';
import type { Spread } from '../../src/partition/spread.ts';
import { profileModel } from '../../src/worker/profile.ts';
import { smallModel } from '../support/replay.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});

const model = buildModel(smallModel({ depth: 2 }));
const shape = [2, 16, 8, 1];

const request = {
  ...{ shape, repetitions: 3, bytes: 2 ** 30, signal: new AbortController().signal },
  loss: { name: 'lamp', focal_weight: 0.5, focal_gamma: 2 },
  optimizer: { name: 'rmsprop', lr: 0.001, alpha: 0.99, eps: 1e-8, weight_decay: 0 },
} as const;

const inOrder = ({ lower, median, upper }: Spread): boolean => 0 <= lower && lower <= median && median <= upper;

it('every pass of every cell is timed, the loss and the update, and nothing of it is left', async () => {
  const before = engine.memory();
  const { cells, loss, update } = await profileModel(engine, model, request);
  expect(engine.memory()).toEqual(before);
  expect(cells).toHaveLength(model.cells.length);
  const spreads = cells.flatMap((cell) => Object.values(cell));
  expect([...spreads, loss, update].every(inOrder)).toBe(true);
  // What takes less than waiting for the device does may come out as nothing; not all of it does.
  expect(cells.some(({ forward, backward }) => forward.median > 0 && backward.median > 0)).toBe(true);
});

it('all of the first cell waits for the second half of its backward pass: nobody reads the gradient of an image', async () => {
  const { cells } = await profileModel(engine, model, request);
  expect(cells[0]!.backwardInput.median).toBe(0);
  expect(cells.slice(1).every(({ backwardInput }) => backwardInput.median > 0)).toBe(true);
});

it('a network that would not fit as a whole is timed part by part, its skips from one to another', async () => {
  const before = engine.memory();
  const { cells } = await profileModel(engine, model, { ...request, bytes: 1 });
  expect(engine.memory()).toEqual(before);
  expect(cells).toHaveLength(model.cells.length);
  expect(cells[0]!.backwardInput.median).toBe(0);
});

it('a run that ends meanwhile is not timed to the end', async () => {
  const controller = new AbortController();
  const before = engine.memory();
  const timed = profileModel(engine, model, { ...request, signal: controller.signal });
  controller.abort(new Error('the run has ended'));
  await expect(timed).rejects.toThrow('the run has ended');
  expect(engine.memory()).toEqual(before);
});
