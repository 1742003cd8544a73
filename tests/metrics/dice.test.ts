import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { channelsLast } from '../../src/checkpoint/pytorchLayout.ts';
import { diceScores, MetricShapeError } from '../../src/metrics/dice.ts';
import { meanDice } from '../../src/metrics/meanDice.ts';
import { goldenCase } from '../support/golden.ts';

test('a prediction that is the truth has a Dice of 1 in every class', () => {
  const labels = Uint8Array.of(0, 1, 2, 2);
  expect(diceScores(labels, labels, { classes: 3 })).toEqual({ perClass: [1, 1, 1], mean: 1, counted: 2 });
});

test('overlap is counted twice over the sum of the sizes', () => {
  const { perClass } = diceScores(Uint8Array.of(1, 1, 1, 0), Int32Array.of(1, 0, 0, 1), { classes: 2 });
  expect(perClass).toEqual([0, (2 * 1) / (3 + 2)]);
});

test('a class that is absent from the truth is NaN and does not count', () => {
  const scores = diceScores(Uint8Array.of(0, 1, 2, 2), Uint8Array.of(0, 1, 1, 1), { classes: 4 });
  expect(scores.perClass).toEqual([1, 0.5, Number.NaN, Number.NaN]);
  expect(scores).toMatchObject({ mean: 0.5, counted: 1 });
});

test('without any class in the truth the mean is NaN and none counted', () => {
  expect(diceScores(Uint8Array.of(1), Uint8Array.of(0), { classes: 2 })).toMatchObject({
    mean: Number.NaN,
    counted: 0,
  });
});

test('the background counts where it is asked for', () => {
  const scores = diceScores(Uint8Array.of(0, 1), Uint8Array.of(0, 0), { classes: 2, includeBackground: true });
  expect(scores).toMatchObject({ mean: 2 / 3, counted: 1 });
});

test('volumes of different sizes are refused', () => {
  expect(() => diceScores(Uint8Array.of(1), Uint8Array.of(1, 2), { classes: 2 })).toThrow(MetricShapeError);
});

test('Dice lies between 0 and 1 and does not depend on which volume is which, where both have the class', () => {
  const volumes = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(volumes, (voxels) => {
      const a = Uint8Array.from(voxels, ([label]) => label);
      const b = Uint8Array.from(voxels, ([, label]) => label);
      const there = diceScores(a, b, { classes: 4 }).perClass;
      const back = diceScores(b, a, { classes: 4 }).perClass;
      there.forEach((score, index) => {
        if (Number.isNaN(score)) return;
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        expect(Number.isNaN(back[index]!) ? 0 : back[index]).toBe(score);
      });
    }),
  );
});

describe('compute_meandice of MONAI 0.2.0', () => {
  test.each(['metric_meandice', 'metric_meandice_bg'])('%s agrees', async (name) => {
    const golden = await goldenCase(name);
    const [batch, classes] = golden.shape('logits') as [number, number];
    const last = (tensor: string) => channelsLast(golden.floats(tensor), golden.shape(tensor)).values;
    const scores = meanDice(
      last('logits'),
      last('target'),
      { batch, classes },
      golden.about['include_background'] === true,
    );
    const expected = golden.floats('value');
    const rounded = (values: Iterable<number>) => [...values].map((value) => Math.round(value * 1e6) / 1e6);
    expect(rounded(scores.flat())).toEqual(rounded(expected));
    expect([...expected].some(Number.isNaN)).toBe(true);
  });
});
