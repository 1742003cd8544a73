import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { cellsSchema } from '../../src/config/schema/cells.ts';
import { modelSchema } from '../../src/config/schema/model.ts';
import type { StoredTensor } from '../../src/checkpoint/safetensors.ts';
import type { ModelSpec } from '../../src/config/runFile.ts';
import { KeptCrew } from '../../src/coordinator/keptCrew.ts';
import type { PipelineOptions } from '../../src/coordinator/pipelineOptions.ts';
import { chunk } from '../../src/pipeline/microBatch.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { differenceOf, heldBy, replayOptions, takeStep, writeReplay } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const plane = { spatial_dims: 2, in_channels: 1, out_channels: 2 };

/** The networks beside LAMP's own, with all that their cells can do. */
const models: readonly (readonly [string, ModelSpec])[] = [
  ['seunet', modelSchema.parse({ name: 'seunet', ...plane, n_feat: 4, depth: 2, norm: 'instance' })],
  [
    'unetpipe under deep supervision',
    modelSchema.parse({ name: 'unetpipe', ...plane, n_feat: 4, depth: 2, norm: 'group', deep_supervision: true }),
  ],
  [
    'a network of one’s own',
    modelSchema.parse({
      name: 'own',
      ...plane,
      cells: cellsSchema.parse([
        { name: 'stem', layers: [{ name: 'convolution', channels: 4, stride: 2 }], stash: 'a' },
        { name: 'deep', layers: [{ name: 'convolution', channels: 6 }, { name: 'instance_norm' }, { name: 'prelu' }] },
        { name: 'add', pop: 'a', join: 'add', pop_through: [{ name: 'convolution', channels: 6, kernel: 1 }] },
        { name: 'head', layers: [{ name: 'upsample' }, { name: 'convolution', channels: 2 }] },
      ]),
    }),
  ],
];

/** The first is what the others are compared with. */
const settings = [
  { workers: 1, recompute: 'never' },
  { workers: 3, recompute: 'always' },
  { workers: 3, recompute: 'except_last', schedule: schedules.zb_h1 },
  { workers: 2, recompute: 'never', skips: 'threaded', schedule: schedules.v_1f1b },
] as const satisfies readonly Partial<PipelineOptions>[];

interface Outcome {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, StoredTensor>;
  readonly values: Float32Array;
}

/** By network, those of all settings. */
const outcomes = new Map<string, Outcome[]>(models.map(([title]) => [title, []]));

beforeAll(async () => {
  const crew = new KeptCrew();
  try {
    for (const options of settings)
      for (const [title, model] of models)
        outcomes.get(title)!.push(await outcomeOf(crew, title, { model, ...options }));
  } finally {
    await crew.close();
  }
}, 180_000);

/** A step, an update, and an evaluation. */
async function outcomeOf(crew: KeptCrew, title: string, options: Partial<PipelineOptions>): Promise<Outcome> {
  const spec = { steps: 1, batch: 3, size: [16, 24] };
  const file = await writeReplay(join(folder, `${title.replaceAll(/\W/g, '')}.safetensors`), spec);
  const run = { file, batch: 3, microBatches: 3, size: spec.size };
  const pipeline = await crew.lay(replayOptions(run, options));
  try {
    const { loss } = await takeStep(pipeline, run, 0);
    const gradients = await heldBy(pipeline, 'gradients');
    await pipeline.apply(0.1);
    const request = { step: 1, source: { kind: 'replay', step: 0 } as const, microBatches: chunk(3, 3) };
    const logits = await pipeline.evaluate(request, 'logits');
    expect(logits.map(({ header }) => header.shape)).toEqual(chunk(3, 3).map((size) => [size, 16, 24, 2]));
    const values = Float32Array.from(logits.flatMap((part) => [...(part.values as Float32Array)]));
    return { loss, gradients, values };
  } finally {
    pipeline.release();
  }
}

it.each(models)(
  '%s computes the same on any number of workers, under every schedule and with any recomputation',
  (title) => {
    const [first, ...others] = outcomes.get(title)!;
    expect(first!.gradients.size).toBeGreaterThan(5);
    expect(others).toHaveLength(3);
    for (const { loss, gradients, values } of others) {
      expect(loss).toBeCloseTo(first!.loss, 5);
      expect(differenceOf(first!.gradients, gradients)).toBeLessThan(1e-4);
      values.forEach((value, i) => expect(Math.abs(value - first!.values[i]!)).toBeLessThan(1e-3));
    }
  },
);
