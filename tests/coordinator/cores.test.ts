import fc from 'fast-check';
import { expect, it } from 'vitest';
import { allowedCores, onCores, parseCores, shareCores } from '../../src/coordinator/cores.ts';

it('the cores of this process are read as Linux writes them', () => {
  expect(parseCores('0-2,5,8-9')).toEqual([0, 1, 2, 5, 8, 9]);
  if (process.platform === 'linux') expect(allowedCores()!.length).toBeGreaterThan(0);
});

it('workers that fill the machine have as many cores as threads, each for itself', () => {
  const threads = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(threads, fc.nat(9), (counts, first) => {
      const all = counts.reduce((sum, count) => sum + count, 0);
      const allowed = Array.from({ length: all }, (_, index) => first + 2 * index);
      const shares = shareCores(allowed, counts)!;
      expect(shares.map(({ length }) => length)).toEqual(counts);
      expect(shares.flat()).toEqual(allowed);
      expect(shareCores([...allowed, 999], counts)).toBeUndefined();
      expect(shareCores(undefined, counts)).toBeUndefined();
    }),
  );
});

it('one worker alone may run anywhere, as may a command without cores', () => {
  expect(shareCores([0, 1], [2])).toBeUndefined();
  expect(onCores(undefined, ['node', 'x'])).toEqual(['node', 'x']);
});
