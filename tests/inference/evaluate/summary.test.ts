import { expect, test } from 'vitest';
import { FIGURES, type StructureFigures } from '../../../src/inference/evaluate/figures.ts';
import { meanOverStructures, summarize } from '../../../src/inference/evaluate/summary.ts';

const figures = (structure: string, changes: Partial<StructureFigures>): StructureFigures =>
  ({ structure, ...Object.fromEntries(FIGURES.map((figure) => [figure, 1])), ...changes }) as StructureFigures;

test('mean and deviation are over the cases that count; those that do not are counted', () => {
  const [summary] = summarize([
    [figures('a', { dice: 0.5, hd95: 2 })],
    [figures('a', { dice: 0.7, hd95: 4 })],
    [figures('a', { dice: Number.NaN, hd95: Number.NaN, truth_volume: 0 })],
    [figures('a', { dice: 0, hd95: Infinity, predicted_volume: 0 })],
  ]);
  expect(summary).toMatchObject({
    missed: 1,
    dice: { counted: 3, nan: 1, infinite: 0, mean: expect.closeTo(0.4, 12) },
    hd95: { counted: 2, nan: 1, infinite: 1, mean: 3, sd: Math.SQRT2 },
  });
});

test('one case has no deviation, and no case no mean', () => {
  const [summary] = summarize([[figures('a', { dice: 0.5, hd95: Number.NaN })]]);
  expect(summary!.dice).toMatchObject({ mean: 0.5, sd: Number.NaN });
  expect(summary!.hd95).toMatchObject({ mean: Number.NaN, counted: 0, nan: 1 });
});

test('structures count once each in the mean over them, however many cases they have', () => {
  const summary = summarize([
    [figures('a', { dice: 1 }), figures('b', { dice: 0 })],
    [figures('a', { dice: 1 }), figures('b', { dice: Number.NaN })],
  ]);
  expect(meanOverStructures(summary).dice).toMatchObject({ mean: 0.5, counted: 2 });
});
