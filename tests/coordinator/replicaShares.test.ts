import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  largestShare,
  mostOfAny,
  oneReplica,
  shapeFor,
  sharesOf,
  wholeCut,
  workersIn,
} from '../../src/coordinator/replicas.ts';
import { chunk } from '../../src/pipeline/microBatch.ts';
import { uniformMachine } from '../../src/pipeline/stageCost.ts';

const batches = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.nat(), fc.nat()).map(([batchSize, parts, replicas]) => {
  const microBatches = chunk(batchSize, 1 + (parts % batchSize)).length;
  return { batchSize, microBatches, replicas: 1 + (replicas % microBatches) };
});

it('every replica has a micro-batch at least, one more than another at most, and all together have all in order', () => {
  fc.assert(
    fc.property(batches, ({ batchSize, microBatches, replicas }) => {
      const sizes = chunk(batchSize, microBatches);
      const shares = sharesOf(sizes, replicas);
      expect(shares).toHaveLength(replicas);
      expect(shares.flat()).toEqual(sizes);
      const counts = shares.map((share) => share.length);
      expect(Math.min(...counts)).toBeGreaterThan(0);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      expect(counts[0]).toBe(mostOfAny(sizes.length, replicas));
    }),
  );
});

it('one plan holds for all: no replica has more samples, or larger micro-batches, than the one that is planned for', () => {
  fc.assert(
    fc.property(batches, ({ batchSize, microBatches, replicas }) => {
      const shares = sharesOf(chunk(batchSize, microBatches), replicas);
      const planned = largestShare({ batchSize, microBatches }, replicas);
      const sizes = chunk(planned.batchSize, planned.microBatches as number);
      expect(sizes).toEqual(shares[0]);
      for (const share of shares) {
        expect(share.length).toBeLessThanOrEqual(sizes.length);
        expect(Math.max(...share)).toBeLessThanOrEqual(Math.max(...sizes));
      }
    }),
  );
});

it('where the number of micro-batches is chosen for one replica, the whole is cut so that there is one for each', () => {
  fc.assert(
    fc.property(batches, fc.nat(), ({ batchSize, replicas }, place) => {
      const { batchSize: share } = largestShare({ batchSize, microBatches: 'auto' }, replicas);
      const chosen = chunk(share, 1 + (place % share)).length;
      const parts = wholeCut({ batchSize }, chosen, replicas);
      const shares = sharesOf(chunk(batchSize, parts), replicas);
      expect(shares.every(({ length }) => length > 0)).toBe(true);
      const samples = shares.map((sizes) => sizes.reduce((sum, size) => sum + size, 0));
      // Micro-batches stay whole, so a share can be one of them larger than an even part, and no more.
      const size = Math.ceil(share / chosen);
      expect(Math.max(...samples)).toBeLessThan(share + size);
    }),
  );
});

it('a replica can count on the slowest worker and link of its kind, and on the least memory', () => {
  const machine = uniformMachine(4, { link: { latency: 1, bytesPerMs: 100 } });
  const workers = machine.workers.map((worker, w) => ({ ...worker, speed: [1, 0.5, 0.75, 2][w]!, memory: 10 - w }));
  const links = { '2>3': { latency: 2, bytesPerMs: 50 } };
  expect(oneReplica({ ...machine, workers, links }, 2)).toEqual({
    workers: [
      { speed: 0.75, memory: 8, copyBytesPerMs: Infinity },
      { speed: 0.5, memory: 7, copyBytesPerMs: Infinity },
    ],
    link: { latency: 1, bytesPerMs: 100 },
    links: { '0>1': { latency: 2, bytesPerMs: 50 } },
  });
  expect(oneReplica(machine, 1)).toBe(machine);
});

const counts = fc.record({ workers: fc.integer({ min: 1, max: 8 }), replicas: fc.integer({ min: 1, max: 5 }) });

it('of workers that are left as many full pipelines go on as there are workers for, else one that is shorter', () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 1, max: 40 }), fc.nat({ max: 8 }), (wanted, left, more) => {
      const longest = wanted.workers + more;
      const shape = shapeFor(left, wanted, longest);
      expect(workersIn(shape)).toBeLessThanOrEqual(Math.min(left, workersIn(wanted)));
      expect(shape.workers).toBeLessThanOrEqual(longest);
      // Nobody holds more than before where there are enough for one pipeline.
      if (left >= wanted.workers) expect(shape.workers).toBeGreaterThanOrEqual(wanted.workers);
      else expect(shape).toEqual({ replicas: 1, workers: left });
      // Another replica would not fit.
      if (shape.replicas < wanted.replicas) expect((shape.replicas + 1) * wanted.workers).toBeGreaterThan(left);
      // What it comes to is laid out the same when it is asked again.
      expect(shapeFor(workersIn(shape), wanted, longest)).toEqual(shape);
    }),
  );
});

it('all workers that there should be are laid out as they should be', () => {
  fc.assert(
    fc.property(counts, (wanted) => {
      expect(shapeFor(workersIn(wanted), wanted)).toEqual(wanted);
    }),
  );
});
