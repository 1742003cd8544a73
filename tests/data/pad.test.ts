import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cropVolume, padVolume, paddedSize } from '../../src/data/pad.ts';
import { floatVolume } from '../support/volumes.ts';

const length = fc.integer({ min: 1, max: 9 });
const sizes = fc.tuple(length, length, length);

describe('padding', () => {
  test('the full brain is padded to what five halvings need', () => {
    expect(paddedSize([181, 217, 181], 32)).toEqual([192, 224, 192]);
    expect(paddedSize([90, 108, 1], 16, 2)).toEqual([96, 112, 1]);
  });

  test('puts the smaller half before, as SpatialPad does, and moves the affine along', () => {
    const padded = padVolume(
      floatVolume([3, 1, 1], (x) => x + 1),
      [6, 1, 2],
    );
    expect([...padded.values]).toEqual([0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(padded.affine.map((row) => row[3])).toEqual([-1, 0, 0, 1]);
  });

  test('cropping takes back exactly what was padded', () => {
    fc.assert(
      fc.property(sizes, sizes, fc.integer({ min: 1, max: 3 }), (size, more, channels) => {
        const volume = floatVolume(size, (x, y, z, c) => 1 + x + 10 * y + 100 * z + 1000 * c, { channels });
        const target = [size[0] + more[0] - 1, size[1] + more[1] - 1, size[2] + more[2] - 1] as const;
        const padded = padVolume(volume, target);
        expect(padded.values.filter((value) => value !== 0)).toHaveLength(volume.values.length);
        expect(cropVolume(padded, size)).toEqual(volume);
      }),
    );
  });

  test('is never made smaller, nor cropping larger', () => {
    const volume = floatVolume([3, 3, 3], () => 1);
    expect(() => padVolume(volume, [3, 3, 2])).toThrow('cannot be padded');
    expect(() => cropVolume(volume, [3, 3, 4])).toThrow('cannot be cropped');
  });

  test('sizes become the nearest multiples above', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 8 }), (size, divisor) => {
        paddedSize(size, divisor).forEach((padded, axis) => {
          expect(padded % divisor).toBe(0);
          expect(padded - size[axis]!).toBeGreaterThanOrEqual(0);
          expect(padded - size[axis]!).toBeLessThan(divisor);
        });
      }),
    );
  });
});
