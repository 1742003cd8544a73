import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readSafetensors, type StoredTensor } from '../../src/checkpoint/safetensors.ts';
import { Crew } from '../../src/coordinator/crew.ts';
import { Pipeline } from '../../src/coordinator/pipeline.ts';
import type { PipelineOptions } from '../../src/coordinator/pipelineOptions.ts';
import { clipFactor } from '../../src/optimizers/clipping.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { workerName } from '../../src/transport/names.ts';
import { differenceOf, heldBy, replayOptions, takeStep, writeReplay, type ReplayRun } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const timeout = 120_000;
/** Of float32, a few operations deep. */
const ROUNDING = 1e-5;
/** Five samples in three micro-batches of 2, 2 and 1. */
const steps = 4;
const batches = writeReplay(join(folder, 'five.safetensors'), { steps, batch: 5, size: [8, 16] });

interface Outcome {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly gradients: ReadonlyMap<string, StoredTensor>;
  readonly parameters: ReadonlyMap<string, StoredTensor>;
  /** Whether all replicas' files of parameters are the same, byte for byte. */
  readonly alike: boolean;
}

/** By their number, processes that stay from one pipeline to the next. */
const crews = new Map<number, Promise<Crew>>();
afterAll(async () => {
  for (const crew of crews.values()) await (await crew).close();
});

function crewFor(options: PipelineOptions): Promise<Crew> {
  const all = options.workers * (options.replicas ?? 1);
  const crew = crews.get(all) ?? Crew.launch(options);
  crews.set(all, crew);
  return crew;
}

/** Trains from the seed, with an update after every `gathered` steps, clipped; and tells all that came of it. */
async function outcomeOf(options: Partial<PipelineOptions>, gathered = 1): Promise<Outcome> {
  const run: ReplayRun = { file: await batches, batch: 5, microBatches: 3, size: [8, 16] };
  const asked = replayOptions(run, options);
  const crew = await crewFor(asked);
  const pipeline = await Pipeline.over(crew, asked);
  try {
    const [losses, norms]: number[][] = [[], []];
    let gradients: Outcome['gradients'] = new Map();
    for (let step = 0; step < steps; step++) {
      const update = (step + 1) % gathered === 0;
      const { loss, gradientNorm } = await takeStep(pipeline, run, step, { norm: update, gathers: !update });
      losses!.push(loss);
      if (!update) continue;
      norms!.push(gradientNorm!);
      if (step + 1 === gathered) gradients = await heldBy(pipeline, 'gradients');
      await pipeline.apply(0.1, clipFactor(gradientNorm! / gathered, 0.5) / gathered);
    }
    const parameters = await heldBy(pipeline, 'parameters');
    const alike = await areAlike(crew, asked);
    return { losses: losses!, norms: norms!, gradients, parameters, alike };
  } finally {
    pipeline.release();
  }
}

async function areAlike({ fleet }: Crew, { workers, replicas = 1 }: PipelineOptions): Promise<boolean> {
  const files = await Promise.all(
    Array.from({ length: workers * replicas }, async (_, worker) => {
      const file = join(folder, `alike-${worker}.safetensors`);
      await fleet.request(workerName(worker), 'dump', { what: 'parameters', file });
      return readFile(file);
    }),
  );
  return files.every((file, worker) => file.equals(files[worker % workers]!));
}

function expectSameToRounding(a: Outcome, b: Outcome): void {
  expect(differenceOf(a.parameters, b.parameters)).toBeLessThan(ROUNDING);
  expect(differenceOf(running(a.parameters), running(b.parameters))).toBeLessThan(ROUNDING);
  expect(differenceOf(a.gradients, b.gradients)).toBeLessThan(ROUNDING);
  for (const [step, loss] of a.losses.entries()) expect(b.losses[step]).toBeCloseTo(loss, 5);
  for (const [update, norm] of a.norms.entries()) expect(b.norms[update]! / norm).toBeCloseTo(1, 4);
  expect([a.alike, b.alike]).toEqual([true, true]);
}

/** The running statistics alone, among which larger parameters would hide what is wrong. */
const running = (held: Outcome['parameters']): Outcome['parameters'] =>
  new Map([...held].filter(([name]) => name.includes('running_')));

it(
  'two and three replicas of one, two and three workers are one pipeline to rounding, with micro-batches of 2, 2 and 1',
  { timeout },
  async () => {
    const one = await outcomeOf({ workers: 1 });
    expect(one.parameters.size).toBeGreaterThan(running(one.parameters).size);
    expect(running(one.parameters).size).toBeGreaterThan(0);
    for (const [replicas, workers] of [
      [2, 1],
      [2, 3],
      [3, 2],
    ] as const)
      expectSameToRounding(one, await outcomeOf({ replicas, workers }));
  },
);

it('gathered over two mini-batches gradients are summed once, and statistics step by step', { timeout }, async () => {
  expectSameToRounding(await outcomeOf({ workers: 1 }, 2), await outcomeOf({ replicas: 2, workers: 2 }, 2));
});

it('deferred running statistics are those of the whole mini-batch', { timeout }, async () => {
  const batchNorm = 'deferred' as const;
  const one = await outcomeOf({ workers: 1, batchNorm });
  expectSameToRounding(one, await outcomeOf({ replicas: 3, workers: 2, batchNorm }));
});

it('holds under schedules with several stages a worker and split backward passes', { timeout }, async () => {
  const one = await outcomeOf({ workers: 1 });
  const [interleaved, folded] = [schedules.interleaved_1f1b, schedules.zb_v];
  expectSameToRounding(one, await outcomeOf({ replicas: 2, workers: 2, schedule: interleaved, stagesPerWorker: 2 }));
  expectSameToRounding(one, await outcomeOf({ replicas: 2, workers: 2, schedule: folded }));
});

it('the same run twice is the same bit for bit', { timeout }, async () => {
  const [first, second] = [
    await outcomeOf({ replicas: 3, workers: 2 }),
    await outcomeOf({ replicas: 3, workers: 2 }),
  ] as const;
  expect(second.losses).toEqual(first.losses);
  expect(second.norms).toEqual(first.norms);
  expect(differenceOf(first.parameters, second.parameters)).toBe(0);
});

it('more replicas than micro-batches are refused before a worker is given anything', async () => {
  await expect(outcomeOf({ replicas: 4, workers: 1 })).rejects.toThrow(
    '4 replicas for 3 micro-batches: each takes one at least; give at most 3 (pipeline.replicas), or more micro-batches',
  );
});

it('what is evaluated goes through one replica, whichever micro-batches there are', { timeout }, async () => {
  const run: ReplayRun = { file: await batches, batch: 5, microBatches: 3, size: [8, 16] };
  const asked = replayOptions(run, { replicas: 2, workers: 2 });
  const pipeline = await Pipeline.over(await crewFor(asked), asked);
  try {
    const { outputs, workers } = await takeStep(pipeline, run, 0, { logits: true });
    expect(outputs.map(({ header }) => header.shape[0])).toEqual([2, 2, 1]);
    expect(workers).toHaveLength(4);
    const source = { kind: 'replay', step: 0 } as const;
    const evaluated = await pipeline.evaluate({ step: 1, source, microBatches: [5] }, 'logits');
    expect(evaluated.map(({ header }) => header.shape[0])).toEqual([5]);
    const files = await pipeline.dump('parameters', (worker) => join(folder, `part-${worker}.safetensors`));
    expect(files).toHaveLength(2);
    const names = await Promise.all(files.map(async (file) => [...(await readSafetensors(file)).tensors.keys()]));
    expect(new Set(names.flat()).size).toBe(names.flat().length);
    expect(pipeline.workers.map(({ replica }) => replica)).toEqual([0, 0, 1, 1]);
  } finally {
    pipeline.release();
  }
});
