import { beforeAll, expect, test } from 'vitest';
import { lossSchema } from '../../src/config/schema/loss.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { lossFromSpec } from '../../src/losses/index.ts';
import { RandomStream } from '../../src/random/stream.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});
const loss = lossFromSpec(lossSchema.parse({ name: 'lamp' }), 2);
const VOXELS = 12;
const labels = Uint8Array.from({ length: VOXELS }, (_, i) => i % 2);

/** Value and gradient for so many heads, the values of each voxel behind one another. */
function evaluate(heads: number, values: Float32Array): { value: number; gradient: number[] } {
  const before = engine.memory();
  const logits = engine.tensor(values, [1, 3, 4, 2 * heads]);
  const target = engine.tensor(labels, [1, 3, 4]);
  const { value, gradient } = loss.evaluate(engine, logits, { labels: target, batchSize: 1 });
  const got = [...engine.read(gradient)];
  [logits, target, gradient].forEach((tensor) => tensor.dispose());
  expect(engine.memory()).toEqual(before);
  return { value, gradient: got };
}

test('the heads of deep supervision count four, two and one seventh', () => {
  const values = new RandomStream('heads').fillNormal(new Float32Array(6 * VOXELS), 1);
  const head = (k: number): Float32Array =>
    Float32Array.from({ length: 2 * VOXELS }, (_, i) => values[6 * (i >> 1) + 2 * k + (i & 1)]!);
  const all = evaluate(3, values);
  const each = [0, 1, 2].map((k) => evaluate(1, head(k)));
  expect(all.value).toBeCloseTo((4 * each[0]!.value + 2 * each[1]!.value + each[2]!.value) / 7, 6);
  for (const [k, { gradient }] of each.entries())
    gradient.forEach((g, i) =>
      expect(all.gradient[6 * (i >> 1) + 2 * k + (i & 1)]).toBeCloseTo((g * 2 ** (2 - k)) / 7, 7),
    );
});
