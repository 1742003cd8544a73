import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { crossChecks } from '../../src/config/crossChecks.ts';
import { arbitraryRunFile } from './arbitraryRunFile.ts';

test('the sizes that are suggested for a bad patch are good ones, and no further off than need be', () => {
  const size = fc.integer({ min: 1, max: 300 });
  fc.assert(
    fc.property(arbitraryRunFile, fc.tuple(size, size, size), (drawn, sizes) => {
      const wanted = sizes.slice(0, drawn.model.spatial_dims);
      const withSize = (patch: number[]) => ({ ...drawn, data: { ...drawn.data, patch_size: patch } });
      const [fault] = crossChecks(withSize(wanted));
      const suggestions = [...(fault?.remedy ?? '').matchAll(/\[([\d, ]+)\]/g)].map((match) =>
        match[1]!.split(',').map(Number),
      );
      expect(suggestions.length > 0).toBe(fault !== undefined);
      for (const suggestion of suggestions) {
        expect(crossChecks(withSize(suggestion))).toEqual([]);
        for (const [i, n] of suggestion.entries())
          expect(Math.abs(n - wanted[i]!)).toBeLessThan(2 ** (drawn.model.depth + 1));
      }
    }),
  );
});

test('a run file that is right has no fault', () => {
  fc.assert(
    fc.property(arbitraryRunFile, (run) => {
      expect(crossChecks(run)).toEqual([]);
    }),
  );
});
