import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunFailure } from '../../src/coordinator/errors.ts';
import type { Pipeline } from '../../src/coordinator/pipeline.ts';
import type { PipelineOptions } from '../../src/coordinator/pipelineOptions.ts';
import { childCalled, childrenOf, leftOf, openSockets, until } from '../support/processes.ts';
import { launchReplay, smallModel, takeStep, writeReplay, type ReplayRun } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const timeout = 60_000;

let sockets = 0;
let temporary: string | undefined;
beforeEach(() => {
  sockets = openSockets();
  // Whatever anybody leaves behind is in here.
  temporary = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
});

afterEach(async () => {
  if (temporary === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = temporary;
  await expectNothingLeft();
});

/** However a run ends: no process, no socket and no file of it is left. */
async function expectNothingLeft(): Promise<void> {
  const processes = childrenOf(process.pid).filter(({ title }) => title.startsWith('lamp '));
  expect(
    await leftOf(
      processes.map(({ pid }) => pid),
      1000,
    ),
  ).toEqual([]);
  await until(() => openSockets() <= sockets);
  expect(readdirSync(folder).filter((name) => name !== 'replay.safetensors' && !name.startsWith('given'))).toEqual([]);
}

async function replay(): Promise<ReplayRun> {
  const file = await writeReplay(join(folder, 'replay.safetensors'), { steps: 3, batch: 4, size: [16, 16] });
  return { file, batch: 4, microBatches: 4, size: [16, 16] };
}

/** Launches, lets `body` bring the run to a failure, and returns that failure. */
async function failureOf(
  run: ReplayRun,
  options: Partial<PipelineOptions>,
  body: (pipeline: Pipeline) => Promise<unknown>,
): Promise<RunFailure> {
  let pipeline: Pipeline | undefined;
  try {
    pipeline = await launchReplay(run, options);
    await body(pipeline);
  } catch (error) {
    expect(error).toBeInstanceOf(RunFailure);
    return error as RunFailure;
  } finally {
    await pipeline?.close();
  }
  throw new Error('nothing failed');
}

/** Has worker 1 stand still, so that the step cannot end before something happens to it. */
async function stepWithout(pipeline: Pipeline, run: ReplayRun, happens: () => void): Promise<void> {
  process.kill(childCalled('lamp worker 1'), 'SIGSTOP');
  const step = takeStep(pipeline, run, 1);
  await Promise.race([step, setTimeout(1000)]);
  happens();
  await step;
}

describe('a worker that is killed', () => {
  it('in the middle of a step ends the run with its name, stage, step and action', { timeout }, async () => {
    const run = await replay();
    const failure = await failureOf(run, {}, async (pipeline) => {
      await takeStep(pipeline, run, 0);
      await pipeline.apply(0.1);
      await stepWithout(pipeline, run, () => process.kill(childCalled('lamp worker 0'), 'SIGKILL'));
    });
    expect(failure).toMatchObject({ peer: 'worker 0', stages: [0], step: 1 });
    // On a busy machine it may not have come as far as its first action.
    expect(failure.during).toMatch(/^(step|0[FB]\d)$/);
    expect(failure.message).toBe(
      `worker 0 (stage 0) failed in step 1 during ${failure.during}: ` +
        'its process was killed (SIGKILL): by a person, or by the system for want of memory',
    );
  });

  it('in an update is told with the step whose gradients it is from', { timeout }, async () => {
    const run = await replay();
    const failure = await failureOf(run, {}, async (pipeline) => {
      await takeStep(pipeline, run, 1);
      const pid = childCalled('lamp worker 1');
      process.kill(pid, 'SIGSTOP');
      const update = pipeline.apply(0.1);
      await Promise.race([update, setTimeout(300)]);
      process.kill(pid, 'SIGKILL');
      await update;
    });
    expect(failure).toMatchObject({ peer: 'worker 1', during: 'apply', step: 1 });
    expect(failure.message).toContain('worker 1 (stage 1) failed in step 1 during apply: its process was killed');
  });

  it('between two steps is found out as well', { timeout }, async () => {
    const run = await replay();
    const failure = await failureOf(run, {}, async (pipeline) => {
      process.kill(childCalled('lamp worker 1'), 'SIGTERM');
      await until(() => pipeline.failed);
      await takeStep(pipeline, run, 0);
    });
    expect(failure.message).toBe(
      'worker 1 (stage 1) failed while it had nothing to do: its process was ended by SIGTERM',
    );
  });
});

describe('a worker that throws', () => {
  it('in an action is told with the action and what was wrong', { timeout }, async () => {
    const file = await writeReplay(join(folder, 'given-channels.safetensors'), { batch: 2, channels: 3, size: [8, 8] });
    const run = { file, batch: 2, microBatches: 2, size: [8, 8] };
    const failure = await failureOf(run, {}, (pipeline) => takeStep(pipeline, run, 0));
    expect(failure).toMatchObject({ peer: 'worker 0', stages: [0], during: '0F0', step: 0 });
    expect(failure.cause).toMatchObject({ name: 'LayerShapeError' });
    expect(failure.message).toContain('encoder.0.Conv.conv cannot take an array of shape (1, 8, 8, 3)');
  });

  it('in the loss is the worker of the last stage', { timeout }, async () => {
    const file = await writeReplay(join(folder, 'given-classes.safetensors'), { batch: 1, classes: 5, size: [8, 8] });
    const run = { file, batch: 1, microBatches: 1, size: [8, 8] };
    const failure = await failureOf(run, {}, (pipeline) => takeStep(pipeline, run, 0));
    expect(failure).toMatchObject({ peer: 'worker 1', stages: [1], during: '1F0', step: 0 });
    expect(failure.cause).toMatchObject({ name: 'LossShapeError' });
  });

  it('while it is given its stage is told before the first step', { timeout }, async () => {
    const run = await replay();
    const failure = await failureOf(run, { weights: { file: run.file, prefix: '' } }, async () => {});
    expect(failure).toMatchObject({ during: 'configure', step: undefined });
    expect(failure.cause).toMatchObject({ name: 'ParameterLoadError' });
  });
});

it('a worker that is stopped is missed after the silence that was allowed', { timeout }, async () => {
  const run = await replay();
  const failure = await failureOf(run, { heartbeatMilliseconds: 6000 }, (pipeline) =>
    stepWithout(pipeline, run, () => {}),
  );
  expect(failure).toMatchObject({ peer: 'worker 1', stages: [1], step: 1 });
  expect(failure.cause).toMatchObject({ name: 'SilenceError' });
  expect(failure.message).toMatch(/no sign of life for \d+ s/);
});

describe('the loader', () => {
  it('is no less missed than a worker', { timeout }, async () => {
    const run = await replay();
    const failure = await failureOf(run, {}, (pipeline) =>
      stepWithout(pipeline, run, () => process.kill(childCalled('lamp loader'), 'SIGKILL')),
    );
    expect(failure).toMatchObject({ peer: 'loader', stages: [] });
    expect(failure.message).toContain('its process was killed (SIGKILL)');
  });

  it.each([
    ['is not there', undefined],
    ['is damaged', 'no NIfTI'],
  ])('tells which image %s', { timeout }, async (_, content) => {
    const file = join(folder, `given-${content === undefined ? 'no' : 'bad'}-image.nii`);
    if (content !== undefined) writeFileSync(file, content);
    const model = smallModel();
    const run = { file, batch: 1, microBatches: 1, size: [8, 8] };
    const failure = await failureOf(run, { model, loader: { kind: 'images', model, transforms: [] } }, (pipeline) =>
      pipeline.evaluate({ step: 0, source: { kind: 'image', files: [file] }, microBatches: [1] }, 'labels'),
    );
    expect(failure).toMatchObject({ peer: 'loader', during: 'feed', step: 0 });
    expect(failure.cause).toMatchObject({ name: 'NiftiError' });
    expect(failure.message).toContain(file);
  });

  it('that cannot read its reference case says so at the first step', { timeout }, async () => {
    const file = join(folder, 'given-bad.safetensors');
    writeFileSync(file, 'nothing of the kind');
    const run = { file, batch: 1, microBatches: 1, size: [8, 8] };
    const failure = await failureOf(run, {}, (pipeline) => takeStep(pipeline, run, 0));
    expect(failure).toMatchObject({ peer: 'loader', during: 'feed', step: 0 });
    expect(failure.cause).toMatchObject({ name: 'SafetensorsError' });
  });
});

describe('a run that is stopped from outside', () => {
  it('in the middle of a step ends with the reason that it was given', { timeout }, async () => {
    const run = await replay();
    const controller = new AbortController();
    const pipeline = await launchReplay(run, { signal: controller.signal });
    const stopped = stepWithout(pipeline, run, () => controller.abort(new Error('enough')));
    await expect(stopped).rejects.toThrow('enough');
    await expect(takeStep(pipeline, run, 2)).rejects.toThrow('enough');
    await pipeline.close();
  });

  it('while it is being launched leaves nothing', { timeout }, async () => {
    const run = await replay();
    const controller = new AbortController();
    const refused = launchReplay(run, { signal: controller.signal }).catch((error: unknown) => error);
    await until(() => childrenOf(process.pid).some(({ title }) => title.includes('worker 1')));
    controller.abort(new Error('enough'));
    expect(await refused).toMatchObject({ message: 'enough' });
    await expect(launchReplay(run, { signal: controller.signal })).rejects.toThrow('enough');
  });
});
