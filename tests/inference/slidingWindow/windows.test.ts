import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planWindows, type Triple } from '../../../src/inference/slidingWindow/windows.ts';

const sizes = fc.tuple(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: 40 }),
);
const rois = fc.tuple(
  fc.integer({ min: 1, max: 24 }),
  fc.integer({ min: 1, max: 24 }),
  fc.integer({ min: 1, max: 24 }),
);
const share = fc.double({ min: 0, max: 0.95, noNaN: true });
const overlaps = fc.tuple(share, share, share);

describe('windows over an image', () => {
  it('cover every voxel, and none but the last along an axis is shifted', () => {
    fc.assert(
      fc.property(sizes, rois, overlaps, (size: Triple, roi: Triple, overlap: Triple) => {
        const { starts } = planWindows(size, roi, overlap);
        for (const axis of [0, 1, 2] as const) {
          const along = [...new Set(starts.map((start) => start[axis]))];
          expect(along).toEqual(along.toSorted((a, b) => a - b));
          const covered = new Set(along.flatMap((start) => Array.from({ length: roi[axis] }, (_, i) => start + i)));
          expect(Array.from({ length: size[axis] }, (_, i) => i).filter((i) => !covered.has(i))).toEqual([]);
          const interval = Math.max(1, Math.trunc(roi[axis] * (1 - overlap[axis])));
          expect(along.slice(0, -1).every((start, i) => roi[axis] >= size[axis] || start === i * interval)).toBe(true);
        }
      }),
    );
  });

  it('stay inside the image where it is larger than they are', () => {
    fc.assert(
      fc.property(sizes, rois, overlaps, (size: Triple, roi: Triple, overlap: Triple) => {
        for (const start of planWindows(size, roi, overlap).starts)
          for (const axis of [0, 1, 2] as const)
            if (roi[axis] <= size[axis]) {
              expect(start[axis]).toBeGreaterThanOrEqual(0);
              expect(start[axis] + roi[axis]).toBeLessThanOrEqual(size[axis]);
            }
      }),
    );
  });

  it('come by ascending z', () => {
    fc.assert(
      fc.property(sizes, rois, overlaps, (size: Triple, roi: Triple, overlap: Triple) => {
        const zs = planWindows(size, roi, overlap).starts.map(([, , z]) => z);
        expect(zs).toEqual(zs.toSorted((a, b) => a - b));
      }),
    );
  });

  it('shift the last one inward', () => {
    const { starts } = planWindows([20, 8, 8], [8, 8, 8], [0.25, 0.25, 0.25]);
    expect(starts.map(([x]) => x)).toEqual([0, 6, 12]);
    expect(planWindows([21, 8, 8], [8, 8, 8], [0, 0, 0]).starts.map(([x]) => x)).toEqual([0, 8, 13]);
  });

  it('lay a smaller image in their middle, the odd voxel behind it', () => {
    expect(planWindows([5, 8, 8], [8, 8, 8], [0.5, 0.5, 0.5]).starts).toEqual([[-1, 0, 0]]);
  });

  it('advance by one voxel at least, however much they overlap', () => {
    expect(planWindows([6, 4, 4], [4, 4, 4], [0.9, 0, 0]).starts.map(([x]) => x)).toEqual([0, 1, 2]);
  });
});
