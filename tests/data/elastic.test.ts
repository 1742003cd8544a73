import fc from 'fast-check';
import { expect, test } from 'vitest';
import { drawElasticField, ElasticRows } from '../../src/data/elastic.ts';
import { RandomStream } from '../../src/random/stream.ts';

test('the field moves its knots by at most what is asked for, its voxels hardly more, and never folds', () => {
  const drawn = fc.record({
    seed: fc.nat(),
    largest: fc.double({ min: 0.5, max: 12, noNaN: true }),
    size: fc.integer({ min: 2, max: 40 }),
  });
  fc.assert(
    fc.property(drawn, ({ seed, largest, size: length }) => {
      const size = [length, length, length] as const;
      const rows = new ElasticRows(drawElasticField(new RandomStream(seed), size, largest), size);
      for (let z = 0; z < length; z += 3)
        for (let y = 0; y < length; y += 3) {
          const [dx, dy, dz] = rows.row(y, z);
          dx.forEach((x, i) => expect(Math.hypot(x, dy[i]!, dz[i]!)).toBeLessThan(1.5 * largest));
          for (let x = 1; x < length; x++) expect(dx[x]! - dx[x - 1]!).toBeGreaterThan(-0.9);
        }
    }),
    { numRuns: 40 },
  );
});

test('a single slice stays in its plane', () => {
  const size = [20, 20, 1] as const;
  const [dx, , dz] = new ElasticRows(drawElasticField(new RandomStream(1), size, 3), size).row(4, 0);
  expect(dz.every((value) => value === 0)).toBe(true);
  expect(dx.some((value) => value !== 0)).toBe(true);
});
