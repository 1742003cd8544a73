import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { lossSchema } from '../../src/config/schema/loss.ts';
import type { Engine, EngineName } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/engine/tensor.ts';
import { labelWeightTotal } from '../../src/losses/crossEntropy.ts';
import { diceLoss } from '../../src/losses/dice.ts';
import { focalLoss } from '../../src/losses/focal.ts';
import { ClassWeightsError, lossFromSpec } from '../../src/losses/index.ts';
import type { Loss, LossTarget } from '../../src/losses/loss.ts';
import { LossShapeError } from '../../src/losses/perSample.ts';
import { RandomStream } from '../../src/random/stream.ts';

const CLASSES = 3;
const SPATIAL = [4, 3];
const VOXELS = 12;
const WEIGHTS = [0.5, 2, 1.25];

interface Batch {
  readonly size: number;
  readonly logits: Float32Array;
  readonly labels: Uint8Array;
  readonly flags: Float32Array;
}

const batchOf = (size: number, seed: number, scale = 2): Batch => {
  const stream = new RandomStream(seed, 'loss');
  return {
    size,
    logits: stream.fillNormal(new Float32Array(size * VOXELS * CLASSES), scale),
    labels: Uint8Array.from({ length: size * VOXELS }, () => stream.integer(CLASSES)),
    flags: Float32Array.from({ length: size * CLASSES }, () => (stream.next() < 0.7 ? 1 : 0)),
  };
};

const part = (batch: Batch, start: number, end: number): Batch => ({
  size: end - start,
  logits: batch.logits.slice(start * VOXELS * CLASSES, end * VOXELS * CLASSES),
  labels: batch.labels.slice(start * VOXELS, end * VOXELS),
  flags: batch.flags.slice(start * CLASSES, end * CLASSES),
});

/** The same tests for each engine. */
export const checkLossesOn = (name: EngineName) =>
  describe(`losses on ${name}`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await startEngine({ name });
    });

    const losses = (weights?: number[]): [string, Loss][] => [
      ['lamp', lossFromSpec(lossSchema.parse({ name: 'lamp', class_weights: weights }), CLASSES)],
      [
        'lamp γ 0.5',
        lossFromSpec(lossSchema.parse({ name: 'lamp', focal_gamma: 0.5, class_weights: weights }), CLASSES),
      ],
      ['cross_entropy', lossFromSpec(lossSchema.parse({ name: 'cross_entropy', class_weights: weights }), CLASSES)],
      ...(['squares', 'sums'] as const).map((denominator): [string, Loss] => [
        `noise_robust_dice over ${denominator}`,
        lossFromSpec(lossSchema.parse({ name: 'noise_robust_dice', denominator, class_weights: weights }), CLASSES),
      ]),
    ];

    /** Value and gradient, with nothing left behind. */
    const evaluate = (
      loss: Loss,
      batch: Batch,
      whole: Pick<LossTarget, 'batchSize' | 'weightTotal'>,
    ): { value: number; gradient: number[] } => {
      const before = engine.memory();
      const logits = engine.tensor(batch.logits, [batch.size, ...SPATIAL, CLASSES]);
      const labels = engine.tensor(batch.labels, [batch.size, ...SPATIAL]);
      const flags = engine.tensor(batch.flags, [batch.size, CLASSES]);
      const { value, gradient } = loss.evaluate(engine, logits, { labels, flags, ...whole });
      expect(gradient.shape).toEqual(logits.shape);
      const values = [...engine.read(gradient)];
      [logits, labels, flags, gradient].forEach((tensor) => tensor.dispose());
      expect(engine.memory()).toEqual(before);
      return { value, gradient: values };
    };

    const expectClose = (actual: readonly number[], expected: readonly number[], tolerance: number): void => {
      const largest = Math.max(...expected.map(Math.abs));
      actual.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(tolerance * largest));
    };

    test('the parts of a mini-batch add up to it, however it is cut', () => {
      const batch = batchOf(5, 1);
      const weightTotal = labelWeightTotal(batch.labels, WEIGHTS);
      for (const [title, loss] of losses(WEIGHTS))
        for (const total of title === 'cross_entropy' ? [{}, { weightTotal }] : [{}]) {
          const target = { batchSize: 5, ...total };
          const whole = evaluate(loss, batch, target);
          fc.assert(
            fc.property(fc.subarray([1, 2, 3, 4]), (cuts) => {
              const starts = [0, ...cuts];
              const parts = starts.map((start, i) => evaluate(loss, part(batch, start, starts[i + 1] ?? 5), target));
              expect(parts.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(whole.value, 5);
              expectClose(
                parts.flatMap(({ gradient }) => gradient),
                whole.gradient,
                1e-6,
              );
            }),
            { numRuns: 8 },
          );
        }
    });

    test('gradients are those of finite differences', () => {
      const batch = batchOf(2, 3, 1);
      const h = 1e-2;
      for (const [, loss] of losses(WEIGHTS)) {
        const { gradient } = evaluate(loss, batch, { batchSize: 3 });
        const numeric = gradient.slice(0, 40).map((_, i) => {
          const moved = (by: number): number => {
            const logits = batch.logits.slice();
            logits[i] = logits[i]! + by;
            return evaluate(loss, { ...batch, logits }, { batchSize: 3 }).value;
          };
          return (moved(h) - moved(-h)) / (2 * h);
        });
        expectClose(gradient.slice(0, 40), numeric, 1e-2);
      }
    });

    test('the LAMP loss is the mean of Dice and half the focal loss by flag and class weight', () => {
      const batch = batchOf(3, 5);
      const lamp = evaluate(losses(WEIGHTS)[0]![1], batch, { batchSize: 3 });
      const composed = engine.tidy(() => {
        const { add, mul, oneHot, sum } = engine.math;
        const logits = engine.tensor(batch.logits, [3, ...SPATIAL, CLASSES]);
        const target = oneHot(engine.tensor(batch.labels, [3, ...SPATIAL]), CLASSES, 1, 0, 'float32');
        const options = { activation: 'softmax', includeBackground: true, squared: false, jaccard: false } as const;
        const each = add(
          diceLoss(engine, logits, target, options).values,
          mul(focalLoss(engine, logits, target, 2).values, 0.5),
        );
        const weights = mul(
          engine.tensor(batch.flags, [3, CLASSES]),
          engine.tensor(Float32Array.from(WEIGHTS), [1, CLASSES]),
        );
        return engine.read(sum(mul(each, weights)))[0]! / (3 * CLASSES);
      });
      expect(lamp.value).toBeCloseTo(composed, 6);
    });

    test('cross-entropy is that of PyTorch, with and without class weights', () => {
      const rows = Float32Array.of(0.2, -1, 0.5, 1.5, 0.3, -0.2, 0, 0, 0.7, 2, -1, 1);
      const cases: [number[] | undefined, number, number[]][] = [
        [undefined, 1.2020886344598871, [-0.15569785, 0.02840326, 0.12729459, 0.16847749, 0.05074445, -0.21922194]],
        [[1, 2, 0.5], 1.1446115116035804, [-0.13839809, 0.02524734, 0.11315074, 0.07487889, 0.02255309, -0.09743197]],
      ];
      for (const [weights, expected, start] of cases) {
        const loss = losses(weights)[2]![1];
        const { value, gradient } = engine.tidy(() => {
          const labels = engine.tensor(Int32Array.of(0, 2, 1, 0), [1, 2, 2]);
          return loss.evaluate(engine, engine.tensor(rows, [1, 2, 2, 3]), { labels, batchSize: 1 });
        });
        expect(value).toBeCloseTo(expected, 5);
        expectClose([...engine.read(gradient)].slice(0, 6), start, 1e-5);
        gradient.dispose();
      }
    });

    test.each([
      ['squares', (2 * 0.5 ** 1.5) / 1.5],
      ['sums', (0.5 ** 1.5 / 1.5 + 0.5 ** 1.5 / 0.5) / 2],
    ])(
      'the noise-robust Dice loss over %s of a voxel that could be either is as reckoned by hand',
      (name, expected) => {
        const loss = lossFromSpec(lossSchema.parse({ name: 'noise_robust_dice', denominator: name }), 2);
        const { value, gradient } = engine.tidy(() => {
          const labels = engine.tensor(Int32Array.of(0), [1, 1, 1]);
          return loss.evaluate(engine, engine.math.zeros([1, 1, 1, 2]), { labels, batchSize: 1 });
        });
        expect(value).toBeCloseTo(expected, 4);
        gradient.dispose();
      },
    );

    test('a class that is not annotated is not learnt', () => {
      const batch = { ...batchOf(1, 7), flags: new Float32Array(CLASSES) };
      for (const [, loss] of [...losses(), ...losses(WEIGHTS)]) {
        const { value, gradient } = evaluate(loss, batch, { batchSize: 1 });
        expect(value).toBe(0);
        expect(gradient.every((g) => Math.abs(g) === 0)).toBe(true);
      }
    });

    test('of a background that is not annotated no voxel teaches the cross-entropy, and the others teach what they did', () => {
      const batch = { ...batchOf(1, 8), flags: Float32Array.of(0, 1, 1) };
      for (const weights of [undefined, WEIGHTS]) {
        const loss = losses(weights).find(([title]) => title === 'cross_entropy')![1];
        const [some, all] = [batch.flags, Float32Array.of(1, 1, 1)].map(
          (flags) => evaluate(loss, { ...batch, flags }, { batchSize: 1 }).gradient,
        );
        expect(new Set(batch.labels)).toEqual(new Set([0, 1, 2]));
        for (const [voxel, label] of batch.labels.entries()) {
          const of = (gradient: ArrayLike<number>): number[] =>
            Array.from({ length: CLASSES }, (_, i) => gradient[voxel * CLASSES + i]! + 0);
          expect(of(some!)).toEqual(label === 0 ? [0, 0, 0] : of(all!));
        }
      }
    });

    test('logits that are sure, rightly or wrongly, give finite numbers', () => {
      for (const [, loss] of losses()) {
        const { value, gradient } = evaluate(loss, batchOf(1, 9, 500), { batchSize: 1 });
        expect(Number.isFinite(value)).toBe(true);
        expect(gradient.every(Number.isFinite)).toBe(true);
      }
    });

    test('labels and flags of another shape are refused', () => {
      const [, loss] = losses()[0]!;
      engine.tidy(() => {
        const logits: Tensor = engine.math.zeros([2, ...SPATIAL, CLASSES]);
        const labels: Tensor = engine.math.zeros([2, ...SPATIAL], 'int32');
        const flags: Tensor = engine.math.ones([2, CLASSES]);
        const refused = (target: LossTarget): void =>
          expect(() => loss.evaluate(engine, logits, target)).toThrow(LossShapeError);
        refused({ labels: engine.math.zeros([2, 3, 4], 'int32'), flags, batchSize: 2 });
        refused({ labels, flags: engine.math.ones([2, 2]), batchSize: 2 });
        refused({ labels, flags, batchSize: 1 });
      });
    });

    test('class weights of another number than the classes are refused', () => {
      expect(() => losses([1, 2])).toThrow(ClassWeightsError);
    });
  });
