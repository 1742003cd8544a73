import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importanceOf } from '../../../src/inference/slidingWindow/importance.ts';
import { Stitcher } from '../../../src/inference/slidingWindow/stitcher.ts';
import { planWindows, type Triple, type Windows } from '../../../src/inference/slidingWindow/windows.ts';

const CLASSES = 2;

/** What a window's voxel gets: it depends on the window, so that blending shows. */
const say = (window: number, voxel: number, c: number): number => Math.sin(window * 7 + voxel * 3 + c);

function outputOf({ roi }: Windows, window: number): Float32Array {
  const voxels = roi[0] * roi[1] * roi[2];
  return Float32Array.from({ length: voxels * CLASSES }, (_, i) => say(window, Math.trunc(i / CLASSES), i % CLASSES));
}

/** One buffer for the whole image, in double precision: (z, y, x, classes). */
function naive(windows: Windows, importance: Float32Array | undefined): Float64Array {
  const [nx, ny, nz] = windows.size;
  const sums = new Float64Array(nx * ny * nz * CLASSES);
  const weights = new Float64Array(nx * ny * nz);
  const [rx, ry, rz] = windows.roi;
  for (const [w, start] of windows.starts.entries())
    for (let z = 0; z < rz; z++)
      for (let y = 0; y < ry; y++)
        for (let x = 0; x < rx; x++) {
          const [px, py, pz] = [start[0] + x, start[1] + y, start[2] + z];
          if (px < 0 || py < 0 || pz < 0 || px >= nx || py >= ny || pz >= nz) continue;
          const [from, to] = [x + rx * (y + ry * z), px + nx * (py + ny * pz)];
          weights[to]! += importance?.[from] ?? 1;
          for (let c = 0; c < CLASSES; c++)
            sums[to * CLASSES + c]! += (importance?.[from] ?? 1) * Math.fround(say(w, from, c));
        }
  return sums.map((sum, i) => sum / weights[Math.trunc(i / CLASSES)]!);
}

function stitched(windows: Windows, importance: Float32Array | undefined): { values: Float32Array; most: number } {
  const stitcher = new Stitcher(windows, CLASSES, importance);
  const plane = windows.size[0] * windows.size[1] * CLASSES;
  const values = new Float32Array(plane * windows.size[2]);
  let [next, most] = [0, 0];
  for (const window of windows.starts.keys())
    for (const finished of stitcher.add(outputOf(windows, window))) {
      expect(finished.z).toBe(next++);
      values.set(finished.values, finished.z * plane);
      most = Math.max(most, stitcher.openPlanes + 1);
    }
  expect([next, stitcher.openPlanes]).toEqual([windows.size[2], 0]);
  return { values, most };
}

const size = fc.integer({ min: 1, max: 10 });
const roi = fc.integer({ min: 1, max: 6 });
const share = fc.constantFrom(0, 0.25, 0.5, 0.8);
const plans = fc
  .tuple(fc.tuple(size, size, size), fc.tuple(roi, roi, roi), fc.tuple(share, share, share))
  .map(([image, window, overlap]) => planWindows(image as Triple, window as Triple, overlap as Triple));

describe('windows put together plane by plane', () => {
  it('give what one buffer for the whole image gives', () => {
    fc.assert(
      fc.property(plans, fc.constantFrom('constant', 'gaussian'), (windows, blend) => {
        const importance = importanceOf(windows.roi, { blend, sigma_scale: 0.125 });
        const expected = naive(windows, importance);
        const { values } = stitched(windows, importance);
        const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
        expect(worst).toBeLessThan(1e-5);
      }),
    );
  });

  it('hold no more planes than a window is long', () => {
    fc.assert(
      fc.property(plans, (windows) => {
        expect(stitched(windows, undefined).most).toBeLessThanOrEqual(Math.min(windows.roi[2], windows.size[2]));
      }),
    );
  });

  it('give back a constant: the weights add up to 1 after the division', () => {
    fc.assert(
      fc.property(plans, fc.double({ min: -100, max: 100, noNaN: true }), (windows, value) => {
        const importance = importanceOf(windows.roi, { blend: 'gaussian', sigma_scale: 0.125 });
        const stitcher = new Stitcher(windows, 1, importance);
        const voxels = windows.roi.reduce((product, n) => product * n, 1);
        for (let w = 0; w < windows.starts.length; w++)
          for (const { values } of stitcher.add(new Float32Array(voxels).fill(value)))
            for (const each of values)
              expect(Math.abs(each - value)).toBeLessThanOrEqual(1e-5 * Math.abs(value) + 1e-30);
      }),
      { numRuns: 50 },
    );
  });
});

it('a window too many, or of another size, is refused', () => {
  const stitcher = new Stitcher(planWindows([4, 4, 4], [4, 4, 4], [0, 0, 0]), 1);
  expect(() => [...stitcher.add(new Float32Array(63))]).toThrow('has not 63 values');
  expect([...stitcher.add(new Float32Array(64))].length).toBe(4);
  expect(() => [...stitcher.add(new Float32Array(64))]).toThrow('there are 1 windows, and one more came');
});
