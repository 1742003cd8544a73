import { beforeAll, describe, expect, test } from 'vitest';
import { lossSchema } from '../../src/config/schema/loss.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { consistency } from '../../src/losses/consistency.ts';
import { lossFromSpec } from '../../src/losses/index.ts';
import { RandomStream } from '../../src/random/stream.ts';

const SHAPE = [2, 3, 4, 3];
const SIZE = 72;

describe('the consistency term', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await startEngine({ name: 'auto' });
  });
  const loss = lossFromSpec(lossSchema.parse({ name: 'cross_entropy' }), 3);
  const labels = Uint8Array.from({ length: 24 }, (_, i) => i % 3);
  const drawn = (name: string): Float32Array => new RandomStream(name).fillNormal(new Float32Array(SIZE), 1);

  /** Value and gradient of samples from `begin` to `end`, with nothing left behind. */
  function evaluate(
    student: Float32Array,
    teacher: Float32Array,
    { weight = 2, otherwise = 1, begin = 0, end = 2 } = {},
  ): { value: number; gradient: readonly number[] } {
    const before = engine.memory();
    const shape = [end - begin, ...SHAPE.slice(1)];
    const logits = {
      student: engine.tensor(student.slice(36 * begin, 36 * end), shape),
      teacher: engine.tensor(teacher.slice(36 * begin, 36 * end), shape),
    };
    const target = engine.tensor(labels.slice(12 * begin, 12 * end), shape.slice(0, 3));
    const { value, gradient } = consistency(
      engine,
      loss,
      logits,
      { labels: target, batchSize: 2 },
      { weight, otherwise },
    );
    const values = [...engine.read(gradient)];
    [logits.student, logits.teacher, target, gradient].forEach((tensor) => tensor.dispose());
    expect(engine.memory()).toEqual(before);
    return { value, gradient: values };
  }

  test('is the mean squared difference of the probabilities', () => {
    const softmax = (z: readonly number[]): number[] => {
      const total = z.reduce((sum, x) => sum + Math.exp(x), 0);
      return z.map((x) => Math.exp(x) / total);
    };
    const [student, teacher] = [drawn('student'), drawn('teacher')];
    let sum = 0;
    for (let voxel = 0; voxel < 24; voxel++) {
      const [p, q] = [student, teacher].map((z) => softmax([...z.subarray(3 * voxel, 3 * voxel + 3)]));
      p!.forEach((x, c) => (sum += (x - q![c]!) ** 2));
    }
    expect(evaluate(student, teacher).value).toBeCloseTo((2 * sum) / SIZE, 5);
    expect(evaluate(student, student)).toMatchObject({ value: 0 });
  });

  test('has the gradient of finite differences, and adds up over micro-batches', () => {
    const [student, teacher] = [drawn('student'), drawn('teacher')];
    const whole = evaluate(student, teacher);
    const moved = (i: number, by: number): number => {
      const other = student.slice();
      other[i]! += by;
      return evaluate(other, teacher).value;
    };
    for (let i = 0; i < 12; i++) expect((moved(i, 0.01) - moved(i, -0.01)) / 0.02).toBeCloseTo(whole.gradient[i]!, 3);
    const parts = [0, 1].map((begin) => evaluate(student, teacher, { begin, end: begin + 1 }));
    expect(parts[0]!.value + parts[1]!.value).toBeCloseTo(whole.value, 6);
    parts.flatMap(({ gradient }) => gradient).forEach((g, i) => expect(g).toBeCloseTo(whole.gradient[i]!, 6));
  });

  test('counts for less where the teacher is no better', () => {
    const wise = Float32Array.from({ length: SIZE }, (_, i) => (i % 3 === labels[Math.floor(i / 3)] ? 5 : 0));
    const foolish = drawn('foolish');
    const full = evaluate(foolish, wise, { otherwise: 0 }).value;
    expect(full).toBeCloseTo(evaluate(foolish, wise).value, 6);
    expect(evaluate(wise, foolish, { otherwise: 0 }).value).toBe(0);
    expect(evaluate(wise, foolish, { otherwise: 0.25 }).value).toBeCloseTo(evaluate(wise, foolish).value / 4, 6);
  });
});
