import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterFound, nothingYet, type FoundDice } from '../../src/coordinator/bestSoFar.ts';

const dice = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(Number.NaN));
const validations = fc
  .array(fc.record({ meanDice: dice, dice: fc.record({ left: dice, right: dice }) }), { minLength: 1, maxLength: 12 })
  .map((found) => found.map((each, i): FoundDice => ({ ...each, epoch: i + 1 })));

test('each figure is the largest that was found, after the first epoch that had it', () => {
  fc.assert(
    fc.property(validations, (found) => {
      const best = found.reduce((before, each) => afterFound(before, each).best, nothingYet);
      const firstOf = (values: readonly number[]): { dice: number; epoch: number } | undefined => {
        const present = values.filter((value) => !Number.isNaN(value));
        if (present.length === 0) return undefined;
        return { dice: Math.max(...present), epoch: 1 + values.indexOf(Math.max(...present)) };
      };
      const means = firstOf(found.map(({ meanDice }) => meanDice));
      expect(best.mean).toEqual(means ?? { dice: Number.NaN, epoch: 1 });
      for (const name of ['left', 'right'])
        expect(best.structures[name]).toEqual(firstOf(found.map((each) => each.dice[name]!)));
    }),
  );
});

test('the first validation is the best so far, even where no case has any structure', () => {
  const { improved } = afterFound(nothingYet, { epoch: 1, meanDice: Number.NaN, dice: { left: Number.NaN } });
  expect(improved).toEqual({ mean: true, structures: [] });
});

test('an equal figure is no improvement', () => {
  const found: FoundDice = { epoch: 1, meanDice: 0.5, dice: { left: 0.5 } };
  const { best } = afterFound(nothingYet, found);
  expect(afterFound(best, { ...found, epoch: 2 }).improved).toEqual({ mean: false, structures: [] });
});
