import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SplitSpec } from '../../../src/config/schema/dataSet.ts';
import type { CaseSpec } from '../../../src/config/runFile.ts';
import { splitCases, type Split } from '../../../src/data/sets/split.ts';
import { RandomStream } from '../../../src/random/stream.ts';

const casesOf = (names: readonly string[]): CaseSpec[] =>
  names.map((name) => ({ name, image: `${name}.nii.gz`, label: `${name}.label.nii.gz` }));
const names = fc.uniqueArray(fc.stringMatching(/^\w{1,8}$/), { minLength: 2, maxLength: 30 });
const seed = fc.nat();

const namesOf = (cases: readonly CaseSpec[]): string[] => cases.map(({ name }) => name!);

function split(...words: Parameters<typeof splitCases>): Split {
  const parts = splitCases(...words);
  if ('problem' in parts) throw new Error(parts.problem);
  return parts;
}

test('a share is drawn from the seed and the names alone, whatever the order in which they come', () => {
  fc.assert(
    fc.property(names, seed, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (all, key, share) => {
      const count = Math.round(share * all.length);
      fc.pre(count > 0 && count < all.length);
      const spec = { by: 'seed', validation: share } as const;
      const { train, validation } = split(casesOf(all), spec, key);
      expect(validation).toHaveLength(count);
      expect([...namesOf(train), ...namesOf(validation)].toSorted()).toEqual(all.toSorted());
      const other = new RandomStream(key, 'another order').shuffle([...all]);
      expect(namesOf(split(casesOf(other), spec, key).validation).toSorted()).toEqual(namesOf(validation).toSorted());
    }),
  );
});

test('folds are of like size and hold every case once', () => {
  fc.assert(
    fc.property(names, seed, fc.integer({ min: 2, max: 10 }), (all, key, folds) => {
      fc.pre(folds <= all.length);
      const parts = Array.from({ length: folds }, (_, fold) => split(casesOf(all), { by: 'folds', folds, fold }, key));
      const held = parts.map(({ validation }) => namesOf(validation));
      expect(held.flat().toSorted()).toEqual(all.toSorted());
      const sizes = held.map((fold) => fold.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      for (const { train, validation } of parts) {
        expect(train.length + validation.length).toBe(all.length);
        // Both keep the order in which the cases came.
        expect(all.filter((name) => namesOf(train).includes(name))).toEqual(namesOf(train));
        expect(all.filter((name) => namesOf(validation).includes(name))).toEqual(namesOf(validation));
      }
    }),
  );
});

test('cases by name are those, and unknown names are told with the known', () => {
  fc.assert(
    fc.property(names, seed, fc.nat(), (all, key, draw) => {
      const chosen = all.slice(0, 1 + (draw % (all.length - 1)));
      expect(namesOf(split(casesOf(all), { by: 'list', validation: chosen }, key).validation)).toEqual(chosen);
      const fault = splitCases(casesOf(all), { by: 'list', validation: ['not a case'] }, key);
      expect(fault).toMatchObject({ key: 'data.split.validation', problem: 'there is no training case not a case' });
    }),
  );
});

test('cases without a name are known by their first image', () => {
  const cases = [
    { image: ['a/one_0000.nii.gz', 'a/one_0001.nii.gz'], label: 'one.nii.gz' },
    { image: 'b/two.npy', label: 'two.npy' },
  ];
  expect(split(cases, { by: 'list', validation: ['two'] }, 0).train).toEqual([cases[0]]);
  expect(split(cases, { by: 'list', validation: ['one_0000'] }, 0).train).toEqual([cases[1]]);
});

test('other seeds give other splits', () => {
  const all = casesOf(Array.from({ length: 30 }, (_, i) => `case ${i}`));
  const drawn = (key: number): string => namesOf(split(all, { by: 'seed', validation: 0.5 }, key).validation).join();
  expect(new Set([0, 1, 2, 3].map(drawn)).size).toBe(4);
});

test('keys that do not belong together are told', () => {
  const all = casesOf(['a', 'b']);
  const keyOf = (spec: SplitSpec): string | undefined => {
    const parts = splitCases(all, spec, 0);
    return 'problem' in parts ? parts.key : undefined;
  };
  expect(keyOf({ by: 'seed' })).toBe('data.split.validation');
  expect(keyOf({ by: 'seed', validation: ['a'] })).toBe('data.split.validation');
  expect(keyOf({ by: 'list', validation: 0.5 })).toBe('data.split.validation');
  expect(keyOf({ by: 'folds', folds: 2 })).toBe('data.split.fold');
  expect(keyOf({ by: 'folds', fold: 0 })).toBe('data.split.folds');
  expect(keyOf({ by: 'folds', folds: 2, fold: 0, validation: 0.5 })).toBe('data.split.validation');
  expect(keyOf({ by: 'seed', validation: 0.5, folds: 2 })).toBe('data.split.folds');
});
