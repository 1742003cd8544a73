import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { planHandover } from '../../../src/coordinator/keeping/handover.ts';

const workers = ['worker 0', 'worker 1', 'worker 2', 'worker 3'];
const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
const subsets = fc.dictionary(fc.constantFrom(...workers), fc.uniqueArray(fc.constantFrom(...keys)));

test('every worker ends with what it needs, from somebody who has it and gives it once; or there is nobody, and no plan', () => {
  fc.assert(
    fc.property(subsets, subsets, (have, need) => {
      const held = new Map(Object.entries(have).map(([worker, own]) => [worker, new Set(own)]));
      const needed = new Map(Object.entries(need));
      const plan = planHandover(held, needed);
      const all = new Set(Object.values(have).flat());
      if (Object.values(need).some((wanted) => wanted.some((key) => !all.has(key)))) {
        expect(plan).toBeUndefined();
        return;
      }
      const got = new Map([...held].map(([worker, own]) => [worker, [...own]]));
      for (const { from, to, keys: given } of plan!) {
        expect(from).not.toBe(to);
        for (const key of given) expect(held.get(from)).toContain(key);
        got.set(to, [...(got.get(to) ?? []), ...given]);
      }
      for (const [worker, wanted] of needed) {
        const mine = got.get(worker) ?? [];
        expect(new Set(mine).size).toBe(mine.length);
        for (const key of wanted) expect(mine).toContain(key);
      }
    }),
  );
});

test('two who have the same share the giving', () => {
  const held = new Map([
    ['worker 0', new Set(keys)],
    ['worker 1', new Set(keys)],
  ]);
  const plan = planHandover(held, new Map([['worker 2', keys]]))!;
  expect(plan.map(({ from, keys: given }) => [from, given.length])).toEqual([
    ['worker 0', 3],
    ['worker 1', 3],
  ]);
});
