import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { chosenOf, planHandover } from '../../../src/coordinator/keeping/handover.ts';

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

test('who is left out has nothing that nobody else has, where one can be left out so', () => {
  fc.assert(
    fc.property(fc.array(fc.uniqueArray(fc.constantFrom('a', 'b', 'c')), { minLength: 2, maxLength: 6 }), (have) => {
      const held = new Map(have.map((own, worker) => [`worker ${worker}`, new Set(own)]));
      const keysOf = (some: readonly string[]): number => new Set(some.flatMap((each) => [...held.get(each)!])).size;
      const all = [...held.keys()];
      const chosen = chosenOf(held, all.length - 1);
      expect(chosen).toEqual(all.filter((each) => chosen.includes(each)));
      expect(chosen).toHaveLength(all.length - 1);
      const without = all.map((gone) => keysOf(all.filter((each) => each !== gone)));
      if (Math.max(...without) === keysOf(all)) expect(keysOf(chosen)).toBe(keysOf(all));
    }),
  );
  // Five are left of four replicas of two, and the last alone has what the second stage learnt.
  const [first, second] = [new Set(['a']), new Set(['b'])];
  const left = new Map([0, 2, 4, 6, 7].map((worker) => [`worker ${worker}`, worker === 7 ? second : first]));
  expect(chosenOf(left, 4)).toEqual(['worker 0', 'worker 2', 'worker 4', 'worker 7']);
});
