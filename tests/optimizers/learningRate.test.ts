import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { lrScheduleSchema } from '../../src/config/schema/optimizer.ts';
import { learningRate } from '../../src/optimizers/learningRate.ts';

const rates = (spec: object, steps: readonly number[], totalSteps = 100, stepsPerEpoch = 10): number[] => {
  const parsed = lrScheduleSchema.parse(spec);
  return steps.map((step) => learningRate(parsed, 0.1, { step, totalSteps, stepsPerEpoch }));
};

const expectClose = (actual: readonly number[], expected: readonly number[]): void =>
  actual.forEach((rate, index) => expect(rate).toBeCloseTo(expected[index]!, 12));

test('constant stays', () => expectClose(rates({ name: 'constant' }, [0, 50, 99]), [0.1, 0.1, 0.1]));

test('step drops every so many epochs', () =>
  expectClose(rates({ name: 'step', every: 2, gamma: 0.5 }, [0, 19, 20, 39, 40]), [0.1, 0.1, 0.05, 0.05, 0.025]));

test('polynomial falls to 0', () =>
  expectClose(rates({ name: 'polynomial', power: 2 }, [0, 50, 90, 100]), [0.1, 0.025, 0.001, 0]));

test('cosine falls to its minimum', () =>
  expectClose(rates({ name: 'cosine', min_lr: 0.02 }, [0, 50, 100]), [0.1, 0.06, 0.02]));

test('warm-up climbs to the base rate, and the rest of the run is the schedule', () => {
  expectClose(rates({ name: 'constant', warmup_steps: 4 }, [0, 1, 3, 4]), [0.025, 0.05, 0.1, 0.1]);
  expectClose(rates({ name: 'polynomial', power: 1, warmup_steps: 20 }, [20, 60, 100]), [0.1, 0.05, 0]);
});

test('no schedule is ever negative, above its base rate, or not a number', () => {
  const specs = fc.constantFrom(
    { name: 'constant', warmup_steps: 7 },
    { name: 'step', every: 3, warmup_steps: 2 },
    { name: 'polynomial' },
    { name: 'cosine', min_lr: 0.01 },
  );
  fc.assert(
    fc.property(specs, fc.nat(300), fc.integer({ min: 1, max: 200 }), (spec, step, total) => {
      const [rate] = rates(spec, [step], total);
      return rate! >= 0 && rate! <= 0.1 + 1e-12;
    }),
  );
});
