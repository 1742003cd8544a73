import { describe, expect, it } from 'vitest';
import { cutWindow, type Padding } from '../../src/data/cutWindow.ts';
import { floatVolume } from '../support/volumes.ts';

const row = floatVolume([4, 1, 1], (x) => x + 1);
const cut = (start: number, length: number, mode: Padding['mode'], value = 0): number[] => [
  ...cutWindow(row, [start, 0, 0], [length, 1, 1], { mode, value }),
];

// Expected values are PyTorch's: torch.nn.functional.pad(torch.arange(1., 5.)[None, None], (2, 3), mode).
describe('what lies around an image', () => {
  it.each([
    ['constant', [9, 9, 1, 2, 3, 4, 9, 9, 9]],
    ['reflect', [3, 2, 1, 2, 3, 4, 3, 2, 1]],
    ['replicate', [1, 1, 1, 2, 3, 4, 4, 4, 4]],
    ['circular', [3, 4, 1, 2, 3, 4, 1, 2, 3]],
  ] as const)('under %s is as in PyTorch', (mode, expected) => {
    expect(cut(-2, 9, mode, 9)).toEqual(expected);
  });

  it('goes on however far a window reaches', () => {
    expect(cut(-8, 14, 'reflect')).toEqual(
      [3, 4, 3, 2, 1, 2, 3, 4, 3, 2, 1, 2, 3, 4].slice(-14).map((_, i) => {
        const place = Math.abs((i - 8 + 60) % 6);
        return (place < 4 ? place : 6 - place) + 1;
      }),
    );
    expect(cut(-9, 9, 'circular')).toEqual([4, 1, 2, 3, 4, 1, 2, 3, 4]);
  });

  it('is the one voxel there is, where there is but one', () => {
    const one = floatVolume([1, 1, 1], () => 5);
    expect([...cutWindow(one, [-2, 0, 0], [4, 1, 1], { mode: 'reflect', value: 0 })]).toEqual([5, 5, 5, 5]);
  });
});

it('a window has its channels last and x fastest among the axes', () => {
  const volume = floatVolume([3, 3, 3], (x, y, z, c) => x + 10 * y + 100 * z + 1000 * c, { channels: 2 });
  expect([...cutWindow(volume, [1, 0, 2], [2, 2, 1], { mode: 'constant', value: 0 })]).toEqual([
    201, 1201, 202, 1202, 211, 1211, 212, 1212,
  ]);
});
