import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeNifti } from '../../src/data/nifti/write.ts';
import { readSafetensors, writeSafetensors, type StoredTensor } from '../../src/checkpoint/safetensors.ts';
import { KeptCrew } from '../../src/coordinator/keptCrew.ts';
import { afterNotFinite, afterUpdate, nothingLeftOut } from '../../src/coordinator/notFinite.ts';
import type { Pipeline } from '../../src/coordinator/pipeline.ts';
import type { PipelineOptions } from '../../src/coordinator/pipelineOptions.ts';
import type { TrainRequest } from '../../src/coordinator/stepRequest.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { smallRun, writeRun } from '../support/dataset.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { differenceOf, heldBy, replayOptions, writeReplay, type ReplayRun } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lossesOf, metricsOf } from '../support/trained.ts';
import { floatVolume, labelVolume } from '../support/volumes.ts';

const folder = temporaryFolder();
const timeout = 120_000;
/** Pipelines that want as many processes have the same ones. */
const crew = new KeptCrew();
afterAll(() => crew.close());

const batch = 4;
const size = [16, 16];
const voxels = batch * size[0]! * size[1]!;
/** Three mini-batches, of which the second has one voxel that no convolution can take, in its third sample. */
let run: ReplayRun;
beforeAll(async () => {
  const file = join(folder, 'poisoned.safetensors');
  await writeReplay(file, { steps: 3, batch, size });
  const { tensors } = await readSafetensors(file);
  const input = tensors.get('input')!;
  (input.values as Float32Array)[voxels + 2.5 * size[0]! * size[1]!] = 3e38;
  await writeSafetensors(file, new Map([...tensors, ['input', input]]));
  run = { file, batch, microBatches: 4, size };
});

const stepOf = (step: number, source = step): TrainRequest => ({
  ...{ step, source: { kind: 'replay', step: source }, microBatches: [1, 1, 1, 1] },
  ...{ draws: ['a', 'b', 'c', 'd'], norm: true },
});

/** Three steps with an update after each but the second, which `body` has for itself. Returns the parameters at the end. */
async function train(
  options: Partial<PipelineOptions>,
  body: (pipeline: Pipeline) => Promise<void>,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const pipeline = await crew.lay(replayOptions(run, options));
  try {
    await pipeline.train(stepOf(0));
    await pipeline.apply(0.1);
    await body(pipeline);
    await pipeline.train(stepOf(2));
    await pipeline.apply(0.1);
    return await heldBy(pipeline, 'parameters');
  } finally {
    pipeline.release();
  }
}

describe('a mini-batch that is not finite', () => {
  it.each([
    { workers: 1, schedule: schedules.gpipe, recompute: 'never' },
    { workers: 3, schedule: schedules.gpipe, recompute: 'always' },
    { workers: 3, schedule: schedules['1f1b'], recompute: 'except_last' },
    { workers: 2, schedule: schedules.zb_h1, recompute: 'never', batchNorm: 'deferred' },
  ] as const)('is traced to its cell, $workers workers, and leaves nothing behind', { timeout }, async (options) => {
    const plain = await train(options, async () => {});
    const disturbed = await train(options, async (pipeline) => {
      const before = await pipeline.memory();
      const { loss, gradientNorm } = await pipeline.train(stepOf(1));
      expect(Number.isFinite(loss) && Number.isFinite(gradientNorm)).toBe(false);
      const place = await pipeline.locate(stepOf(1));
      expect(place).toMatchObject({ pass: 'forward', cell: 'encoder.0.Conv.conv', microBatch: 2 });
      expect((await pipeline.memory()).map(({ tensors }) => tensors)).toEqual(before.map(({ tensors }) => tensors));
    });
    expect(differenceOf(disturbed, plain)).toBe(0);
  });
});

it('is looked for while the next mini-batch waits, however many micro-batches that has', { timeout }, async () => {
  const many = 22;
  const file = await writeReplay(join(folder, 'many.safetensors'), { steps: 2, batch: many, size: [8, 8] });
  const microBatches = Array.from({ length: many }, () => 1);
  const request = (step: number): TrainRequest => ({
    ...{ step, source: { kind: 'replay', step }, microBatches, norm: true },
    draws: microBatches.map((_, sample) => String(sample)),
  });
  const given = { file, batch: many, microBatches: many, size: [8, 8] };
  const pipeline = await crew.lay(replayOptions(given, { workers: 1 }));
  const { loss } = await pipeline.train(request(0), request(1));
  expect(await pipeline.locate(request(0))).toBeUndefined();
  expect((await pipeline.train(request(1))).loss).not.toBe(loss);
  pipeline.release();
});

describe('a run that meets one', () => {
  /** At a learning rate that is far too high. */
  async function trainRun(name: string, words: readonly string[]): Promise<LampProcess> {
    const file = await writeRun(join(folder, name));
    const made = smallRun();
    const optimizer = { name: 'sgd', lr: 1e25 };
    writeFileSync(file, stringify({ ...made, optimizer, training: { epochs: 2, batch_size: 2, validate_every: 0 } }));
    const lamp = new LampProcess(['train', file, '--output', join(folder, name, 'runs'), '--json', ...words]);
    await lamp.ended;
    return lamp;
  }

  it('ends with the step, the rate and the cell, unless it is told to go on', { timeout }, async () => {
    const lamp = await trainRun('stopping', []);
    expect(await lamp.ended).toBe(1);
    expect(lamp.err).toMatch(
      /the (loss|norm of the gradients) of step \d is (NaN|-?Infinity) \(first .* in .* \(stage \d(, micro-batch \d)?\)\), at a learning rate of 1e\+25: training has diverged/,
    );
  });

  it('leaves it out as often as it may, lowers the rate, and says so', { timeout }, async () => {
    const words = ['--set', 'training.not_finite={action: lower_rate, factor: 0.1, at_most: 2}'];
    const lamp = await trainRun('lowering', words);
    const told = lamp.events<{ step: number; rate: number; place: string }>('not finite');
    expect(told).toHaveLength(2);
    expect(told[1]!.rate / told[0]!.rate).toBeCloseTo(0.1);
    expect(told[0]!.place).toContain('stage');
    expect(lamp.err).toContain('after 2 mini-batches in a row were left out (training.not_finite.at_most)');
    const directory = join(folder, 'lowering', 'runs', 'small');
    expect(metricsOf(directory, 'not finite')).toEqual(told.map((event) => ({ ...event })));
    expect(lossesOf(directory).length).toBeGreaterThan(2);
  });

  it('skips it, says where it came up, and learns from all others', { timeout }, async () => {
    const file = await writeRun(join(folder, 'skipping'));
    // Of two cases one has values that no convolution can take; every mini-batch is of one of them.
    const size = [18, 20, 14] as const;
    const [huge, label] = ['huge.nii.gz', 'huge-label.nii.gz'];
    await writeNifti(
      join(folder, 'skipping', huge),
      floatVolume(size, () => 3e38),
      { type: 'float32' },
    );
    await writeNifti(
      join(folder, 'skipping', label),
      labelVolume(size, (x) => x % 3),
      { type: 'uint8' },
    );
    const { data, training, pipeline, ...made } = smallRun();
    const train = [...data.train, { image: huge, label }];
    const own = {
      data: { ...data, train, validation: [], transforms: [], samples_per_epoch: 4 },
      training: { ...training, epochs: 4, batch_size: 1, validate_every: 0, not_finite: { action: 'skip' } },
      pipeline: { ...pipeline, micro_batches: 1 },
    };
    writeFileSync(file, stringify({ ...made, ...own }));
    const lamp = new LampProcess(['train', file, '--output', join(folder, 'skipping', 'runs'), '--json']);
    expect([await lamp.ended, lamp.err]).toEqual([0, '']);
    const told = lamp.events<{ step: number; place: string }>('not finite');
    for (const { place } of told) expect(place).toMatch(/in the output of encoder.0.Conv.conv .stage 0, micro-batch 0/);
    const directory = join(folder, 'skipping', 'runs', 'small');
    expect(metricsOf(directory, 'not finite')).toEqual(told);
    const left = new Set(told.map(({ step }) => step));
    // One half of the mini-batches, whichever order they were drawn in.
    expect(left.size).toBe(8);
    const losses = new Map(lossesOf(directory));
    expect(losses.size).toBe(16);
    // JSON has no NaN.
    for (const [step, loss] of losses) expect(left.has(step)).toBe(loss === null);
    const learnt = [...losses.values()].filter(Number.isFinite);
    expect(learnt.at(-1)).toBeLessThan(learnt[0]!);
    expect(lamp.events('finished')).toMatchObject([{ steps: 16, updates: 8 }]);
    const { tensors } = await readSafetensors(join(directory, 'weights.safetensors'));
    for (const { values } of tensors.values()) expect(Array.from(values, Number).every(Number.isFinite)).toBe(true);
  });
});

it('what may be left out in a row may be, and an update begins another row', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (finite, most) => {
      let state: typeof nothingLeftOut | undefined = nothingLeftOut;
      let row = 0;
      for (const good of finite) {
        if (good) [state, row] = [afterUpdate(state), 0];
        else {
          state = afterNotFinite(state, { action: 'lower_rate', factor: 0.5, at_most: most });
          row++;
          expect(state === undefined).toBe(row > most);
          if (!state) return;
        }
        expect(state.row).toBe(row);
      }
      expect(state.rateFactor).toBe(0.5 ** finite.filter((good) => !good).length);
    }),
  );
});
