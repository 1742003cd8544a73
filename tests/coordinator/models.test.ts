import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cellsSchema } from '../../src/config/schema/cells.ts';
import { modelSchema } from '../../src/config/schema/model.ts';
import type { ModelSpec } from '../../src/config/runFile.ts';
import { chunk } from '../../src/pipeline/microBatch.ts';
import { schedules } from '../../src/pipeline/schedules.ts';
import { differenceOf, heldBy, launchReplay, takeStep, writeReplay } from '../support/replay.ts';
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

describe.each(models)('%s', (title, model) => {
  it(
    'computes the same on any number of workers, under every schedule and with any recomputation',
    { timeout: 180_000 },
    async () => {
      const spec = { steps: 1, batch: 3, size: [16, 24] };
      const file = await writeReplay(join(folder, `${title.replaceAll(/\W/g, '')}.safetensors`), spec);
      const run = { file, batch: 3, microBatches: 3, size: spec.size };
      const outcomes = [];
      for (const options of [
        { workers: 1, recompute: 'never' },
        { workers: 3, recompute: 'always' },
        { workers: 3, recompute: 'except_last', schedule: schedules.zb_h1 },
        { workers: 2, recompute: 'never', skips: 'threaded', schedule: schedules.v_1f1b },
      ] as const) {
        const pipeline = await launchReplay(run, { model, ...options });
        try {
          const { loss } = await takeStep(pipeline, run, 0);
          const gradients = await heldBy(pipeline, 'gradients');
          await pipeline.apply(0.1);
          const request = { step: 1, source: { kind: 'replay', step: 0 } as const, microBatches: chunk(3, 3) };
          const logits = await pipeline.evaluate(request, 'logits');
          expect(logits.map(({ header }) => header.shape)).toEqual(chunk(3, 3).map((size) => [size, 16, 24, 2]));
          const values = Float32Array.from(logits.flatMap((part) => [...(part.values as Float32Array)]));
          outcomes.push({ loss, gradients, values });
        } finally {
          await pipeline.close();
        }
      }
      const [first, ...others] = outcomes;
      expect(first!.gradients.size).toBeGreaterThan(5);
      for (const { loss, gradients, values } of others) {
        expect(loss).toBeCloseTo(first!.loss, 5);
        expect(differenceOf(first!.gradients, gradients)).toBeLessThan(1e-4);
        values.forEach((value, i) => expect(Math.abs(value - first!.values[i]!)).toBeLessThan(1e-3));
      }
    },
  );
});
