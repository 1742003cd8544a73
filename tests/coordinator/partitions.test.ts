import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { KeptCrew } from '../../src/coordinator/keptCrew.ts';
import type { PipelineOptions } from '../../src/coordinator/pipelineOptions.ts';
import type { StoredTensor } from '../../src/checkpoint/safetensors.ts';
import { buildModel } from '../../src/models/index.ts';
import { clipFactor } from '../../src/optimizers/clipping.ts';
import {
  differenceOf,
  heldBy,
  replayOptions,
  smallModel,
  takeStep,
  writeReplay,
  type ReplayRun,
} from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const timeout = 120_000;
const crew = new KeptCrew();
afterAll(() => crew.close());

/** Of float32, a few operations deep. */
const ROUNDING = 1e-5;

interface Outcome {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly parameters: ReadonlyMap<string, StoredTensor>;
}

/** Trains from the seed and tells all that came of it. `clip`: to this global norm. */
async function outcomeOf(
  run: ReplayRun & { steps: number; clip?: number },
  options: Partial<PipelineOptions>,
): Promise<Outcome> {
  const pipeline = await crew.lay(replayOptions(run, options));
  try {
    const losses: number[] = [];
    const norms: number[] = [];
    for (let step = 0; step < run.steps; step++) {
      const { loss, gradientNorm } = await takeStep(pipeline, run, step, { norm: true });
      losses.push(loss);
      norms.push(gradientNorm!);
      await pipeline.apply(0.1, run.clip === undefined ? 1 : clipFactor(gradientNorm!, run.clip));
    }
    return { losses, norms, parameters: await heldBy(pipeline, 'parameters') };
  } finally {
    pipeline.release();
  }
}

const expectSameToRounding = (a: Outcome, b: Outcome): void => {
  expect(differenceOf(a.parameters, b.parameters)).toBeLessThan(ROUNDING);
  for (const [step, loss] of a.losses.entries()) expect(b.losses[step]).toBeCloseTo(loss, 5);
  for (const [step, norm] of a.norms.entries()) expect(b.norms[step]! / norm).toBeCloseTo(1, 4);
};

it(
  'the same run twice is the same bit for bit; on another partition it is the same to rounding',
  { timeout },
  async () => {
    const file = await writeReplay(join(folder, 'four.safetensors'), { steps: 3, batch: 4, size: [16, 24] });
    const run = { file, batch: 4, microBatches: 4, size: [16, 24], steps: 3 };
    const engine = { name: 'auto', threads: 2 } as const;
    const first = await outcomeOf(run, { workers: 2, engine });
    const second = await outcomeOf(run, { workers: 2, engine });
    expect(second.losses).toEqual(first.losses);
    expect(second.norms).toEqual(first.norms);
    expect(differenceOf(first.parameters, second.parameters)).toBe(0);
    expectSameToRounding(first, await outcomeOf(run, { workers: 3, engine }));
  },
);

it('unequal micro-batches (5 in 2) count by their size, on any number of workers', { timeout }, async () => {
  const file = await writeReplay(join(folder, 'five.safetensors'), { steps: 2, batch: 5, size: [8, 16] });
  const run = { file, batch: 5, microBatches: 2, size: [8, 16], steps: 2 };
  expectSameToRounding(await outcomeOf(run, { workers: 1 }), await outcomeOf(run, { workers: 3 }));
  // Without batch statistics the cut is nothing that the network could see.
  const model = smallModel({ norm: 'instance' });
  expectSameToRounding(
    await outcomeOf({ ...run, microBatches: 1 }, { workers: 1, model }),
    await outcomeOf(run, { workers: 3, model }),
  );
});

it('there may be as many workers as cells, with fewer micro-batches than stages', { timeout }, async () => {
  const file = await writeReplay(join(folder, 'cells.safetensors'), { steps: 2, batch: 2, size: [8, 8] });
  const run = { file, batch: 2, microBatches: 2, size: [8, 8], steps: 2 };
  const model = smallModel();
  const engine = { name: 'cpu' } as const;
  const workers = buildModel(model).cells.length;
  expect(workers).toBe(12);
  expectSameToRounding(await outcomeOf(run, { workers: 1, engine }), await outcomeOf(run, { workers, engine }));
});

it('many micro-batches go through one worker without piling up', { timeout }, async () => {
  const file = await writeReplay(join(folder, 'many.safetensors'), { batch: 150, size: [4, 4] });
  const run = { file, batch: 150, microBatches: 150, size: [4, 4], steps: 1 };
  expect((await outcomeOf(run, { workers: 1, model: smallModel({ norm: 'group' }) })).losses[0]).toBeGreaterThan(0);
});

it(
  'clipping by the global norm gives the same update on one worker and on three, of the length that was asked for',
  { timeout },
  async () => {
    const file = await writeReplay(join(folder, 'clip.safetensors'), { steps: 1, batch: 3, size: [8, 8] });
    const run = { file, batch: 3, microBatches: 3, size: [8, 8], clip: 0.01 };
    const optimizer = { name: 'sgd', lr: 0.1, momentum: 0, nesterov: false, weight_decay: 0 } as const;
    const start = await outcomeOf({ ...run, steps: 0 }, { workers: 1, optimizer });
    const one = await outcomeOf({ ...run, steps: 1 }, { workers: 1, optimizer });
    const three = await outcomeOf({ ...run, steps: 1 }, { workers: 3, optimizer });
    expect(one.norms[0]).toBeGreaterThan(0.01);
    expectSameToRounding(one, three);
    for (const { parameters } of [one, three]) {
      expect(lengthOf(start.parameters, parameters)).toBeCloseTo(0.1 * 0.01, 6);
    }
  },
);

/** The Euclidean length of what changed; running statistics are no parameters. */
function lengthOf(before: ReadonlyMap<string, StoredTensor>, after: ReadonlyMap<string, StoredTensor>): number {
  let squares = 0;
  for (const [name, { values }] of before) {
    if (name.includes('running_')) continue;
    for (let i = 0; i < values.length; i++) squares += (Number(after.get(name)!.values[i]) - Number(values[i])) ** 2;
  }
  return Math.sqrt(squares);
}
