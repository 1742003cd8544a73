import fc from 'fast-check';
import { expect, test } from 'vitest';
import { casesOfEpoch, samplesInEpoch, stepsOfEpoch } from '../../src/data/order.ts';

test('an epoch has as many samples as asked for, or one a case, in full mini-batches', () => {
  expect(samplesInEpoch(undefined, 7, 2)).toBe(8);
  expect(samplesInEpoch(64, 1, 4)).toBe(64);
  expect(samplesInEpoch(1, 1, 4)).toBe(4);
});

test('every sample stands in one step, in order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 8 }), (samples, batch) => {
      const steps = stepsOfEpoch(samples, batch);
      expect(steps.flat()).toEqual(Array.from({ length: samples }, (_, i) => i));
      expect(steps.slice(0, -1).every((step) => step.length === batch)).toBe(true);
    }),
  );
});

test('cases come in a random order, none twice before all have come', () => {
  const counts = fc.record({
    cases: fc.integer({ min: 1, max: 9 }),
    samples: fc.integer({ min: 1, max: 40 }),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(counts, ({ cases, samples, seed }) => {
      const order = casesOfEpoch({ seed, epoch: 3 }, cases, samples);
      expect(order).toHaveLength(samples);
      for (let begin = 0; begin + cases <= samples; begin += cases)
        expect(order.slice(begin, begin + cases).toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: cases }, (_, i) => i),
        );
      expect(casesOfEpoch({ seed, epoch: 3 }, cases, samples)).toEqual(order);
    }),
  );
  expect(casesOfEpoch({ seed: 1, epoch: 0 }, 20, 20)).not.toEqual(casesOfEpoch({ seed: 1, epoch: 1 }, 20, 20));
  expect(() => casesOfEpoch({ seed: 1, epoch: 0 }, 0, 1)).toThrow('at least one case');
});
