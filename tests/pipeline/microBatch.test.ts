import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunk, MicroBatchError, microBatchesOf } from '../../src/pipeline/microBatch.ts';

const cuts = fc
  .integer({ min: 1, max: 200 })
  .chain((batchSize) =>
    fc.record({ batchSize: fc.constant(batchSize), count: fc.integer({ min: 1, max: batchSize }) }),
  );

describe('a mini-batch', () => {
  // What torch.chunk(torch.zeros(n), count) gives.
  it.each([
    [5, 2, [3, 2]],
    [6, 4, [2, 2, 2]],
    [7, 3, [3, 3, 1]],
    [10, 4, [3, 3, 3, 1]],
    [9, 6, [2, 2, 2, 2, 1]],
    [4, 4, [1, 1, 1, 1]],
    [1, 1, [1]],
    [8, 1, [8]],
  ])('of %i in %i is cut as torch.chunk does', (batchSize, count, sizes) => {
    expect(chunk(batchSize, count)).toEqual(sizes);
  });

  it('is covered without gap or overlap, in no more parts than were asked for', () => {
    fc.assert(
      fc.property(cuts, ({ batchSize, count }) => {
        const parts = microBatchesOf(batchSize, count);
        expect(parts.length).toBeLessThanOrEqual(count);
        expect(parts.map(({ size }) => size)).toEqual(chunk(batchSize, count));
        let end = 0;
        for (const [position, { index, offset, size }] of parts.entries()) {
          expect({ index, offset }).toEqual({ index: position, offset: end });
          expect(size).toBeGreaterThan(0);
          end += size;
        }
        expect(end).toBe(batchSize);
      }),
    );
  });

  it('that was cut into so many parts is cut the same way when asked for just as many', () => {
    fc.assert(
      fc.property(cuts, ({ batchSize, count }) => {
        const sizes = chunk(batchSize, count);
        expect(chunk(batchSize, sizes.length)).toEqual(sizes);
      }),
    );
  });

  it.each([
    [4, 5],
    [4, 0],
    [4, 1.5],
    [0, 1],
    [-2, 1],
  ])('of %d cannot be cut into %d', (batchSize, count) => {
    expect(() => chunk(batchSize, count)).toThrow(MicroBatchError);
  });
});
