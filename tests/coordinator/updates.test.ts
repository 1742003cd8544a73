import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { gatheredAt, updatesOf } from '../../src/coordinator/updates.ts';

const steps = fc.integer({ min: 1, max: 200 });
const accumulate = fc.integer({ min: 1, max: 30 });

test('every mini-batch of an epoch is in one update, and none gathers more than it may', () => {
  fc.assert(
    fc.property(steps, accumulate, (count, most) => {
      const gathered = Array.from({ length: count }, (_, step) => gatheredAt(step, count, most) ?? 0);
      const updates = gathered.filter((n) => n > 0);
      expect(updates.reduce((sum, n) => sum + n, 0)).toBe(count);
      expect(updates).toHaveLength(updatesOf(count, most));
      expect(updates.slice(0, -1).every((n) => n === most)).toBe(true);
      expect(updates.at(-1)).toBeLessThanOrEqual(most);
    }),
  );
});

test('an update is due where its mini-batches end', () => {
  expect([0, 1, 2, 3, 4].map((step) => gatheredAt(step, 5, 2))).toEqual([undefined, 2, undefined, 2, 1]);
});
