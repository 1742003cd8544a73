import { describe, expect, it } from 'vitest';
import { median, spreadOf } from '../../src/partition/spread.ts';

describe('the median', () => {
  it.each([
    [[3], 3],
    [[3, 1, 2], 2],
    [[10, 9, 1, 2], 5.5],
  ])('of %j is %d', (times, middle) => {
    expect(median(times)).toBe(middle);
  });
});

it('the quartiles lie on the straight line between two times', () => {
  expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, lower: 1.75, upper: 3.25 });
  expect(spreadOf([7])).toEqual({ median: 7, lower: 7, upper: 7 });
});
