import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { StoredTensor } from '../../src/checkpoint/safetensors.ts';
import { chunk } from '../../src/pipeline/microBatch.ts';
import { differenceOf, heldBy, launchReplay, smallModel, writeReplay } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const spec = { steps: 3, batch: 3, size: [8, 12] };
const consistency = { weight: 0.5, otherwise: 0.25 };
type Held = ReadonlyMap<string, StoredTensor>;

/** α·a + (1 − α)·b, name by name. */
const blend = (a: Held, b: Held, decay: number): Held =>
  new Map(
    [...a].map(([name, tensor]) => {
      const { values } = tensor;
      const others = b.get(name)!.values;
      const mean = Float32Array.from(
        { length: values.length },
        (_, i) => decay * Number(values[i]) + (1 - decay) * Number(others[i]),
      );
      return [name, { ...tensor, values: mean }];
    }),
  );

it(
  'a teacher follows the student by its decay, and holds it back, whatever the number of workers',
  { timeout: 120_000 },
  async () => {
    const file = await writeReplay(join(folder, 'taught.safetensors'), spec);
    const outcomes = [];
    for (const [microBatches, workers] of [
      [1, 1],
      [3, 2],
    ] as const) {
      const run = { file, batch: 3, microBatches, size: spec.size };
      const model = smallModel({ norm: 'instance' });
      const pipeline = await launchReplay(run, { model, workers, teacher: true });
      const before = await pipeline.memory();
      try {
        const losses: number[] = [];
        let teacher = await heldBy(pipeline, 'teacher');
        expect(differenceOf(await heldBy(pipeline, 'parameters'), teacher)).toBe(0);
        for (let step = 0; step < 3; step++) {
          const source = { kind: 'replay', step } as const;
          const draws = ['a', 'b', 'c'].map((sample) => `${step} ${sample}`);
          const request = { step, source, microBatches: chunk(3, microBatches), draws, norm: false };
          await pipeline.teach(request, 0.1);
          losses.push((await pipeline.train({ ...request, ensembling: { noise: 0.1, consistency } })).loss);
          // In the second step the teacher stays where it is.
          await pipeline.apply(0.1, 1, step === 1 ? undefined : 0.75);
          const expected = step === 1 ? teacher : blend(teacher, await heldBy(pipeline, 'parameters'), 0.75);
          teacher = await heldBy(pipeline, 'teacher');
          expect(differenceOf(expected, teacher)).toBeLessThan(1e-6);
        }
        const evaluated = await pipeline.evaluate(
          { step: 3, source: { kind: 'replay', step: 0 }, microBatches: [3] },
          'logits',
          true,
        );
        outcomes.push({ losses, teacher, logits: evaluated[0]!.values });
        // The optimizer's state comes with the first step; nothing else stays.
        const after = await pipeline.memory();
        after.forEach(({ tensors }, worker) => expect(tensors).toBeLessThanOrEqual(2 * before[worker]!.tensors));
      } finally {
        await pipeline.close();
      }
    }
    const [one, two] = outcomes;
    two!.losses.forEach((loss, step) => expect(loss).toBeCloseTo(one!.losses[step]!, 5));
    expect(differenceOf(one!.teacher, two!.teacher)).toBeLessThan(1e-5);
    const logits = outcomes.map((outcome) => outcome.logits);
    logits[0]!.forEach((value, i) => expect(logits[1]![i]).toBeCloseTo(value, 4));
  },
);
