import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { selfEnsemblingSchema } from '../../src/config/schema/selfEnsembling.ts';
import { SelfEnsembling } from '../../src/coordinator/selfEnsembling.ts';

const spec = (more: object = {}) => selfEnsemblingSchema.parse(more);

describe('the teacher', () => {
  test('is the student after the first step, then follows ever more slowly up to the decay, and later up to the later one', () => {
    const ensembling = new SelfEnsembling(spec({ decay: 0.75, later_decay: 0.9, later_from: 2 }), 5);
    const decays = Array.from({ length: 14 }, () => ensembling.follow(1));
    expect(decays.slice(0, 6)).toEqual([0, 1 / 2, 1 - 1 / 3, 0.75, 0.75, 0.75]);
    expect(decays.slice(10)).toEqual([0.9, 0.9, 0.9, 0.9]);
  });

  test('stays where it is in steps whose loss is above the percentile of the last epoch', () => {
    const ensembling = new SelfEnsembling(spec({ percentile: 50 }), 3);
    for (const loss of [1, 2, 3]) expect(ensembling.follow(loss)).toBeDefined();
    expect([2.1, 1.9, 2].map((loss) => ensembling.follow(loss) !== undefined)).toEqual([false, true, true]);
    expect(ensembling.follow(2.05)).toBeUndefined();
  });

  test('follows by a share between 0 and the decay, or not at all, whatever the losses', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1, maxLength: 40 }), (losses) => {
        const ensembling = new SelfEnsembling(spec(), 7);
        for (const loss of losses) {
          const decay = ensembling.follow(loss);
          if (decay !== undefined) expect(decay).toBeLessThanOrEqual(0.99);
        }
      }),
    );
  });
});

test('the student is held to the teacher ever more while the teacher learns', () => {
  const ensembling = new SelfEnsembling(spec({ consistency: 2, ramp_epochs: 2, not_better: 0.1, noise: 0.3 }), 4);
  const weights: number[] = [];
  for (let step = 0; step < 10; step++) {
    const { noise, consistency } = ensembling.student;
    expect([noise, consistency.otherwise]).toEqual([0.3, 0.1]);
    weights.push(consistency.weight);
    ensembling.follow(1);
  }
  expect(weights[0]).toBeCloseTo(2 * Math.exp(-5), 10);
  expect(weights.every((weight, step) => step === 0 || weight >= weights[step - 1]!)).toBe(true);
  expect(weights.slice(8)).toEqual([2, 2]);
});
