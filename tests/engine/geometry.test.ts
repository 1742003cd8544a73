import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { convolutionSizes, GeometryError, planPadding } from '../../src/engine/geometry.ts';

const along = (kernel: number, stride: number, dilation: number, before: number, after = before) =>
  [[kernel], { strides: [stride], dilations: [dilation], padding: [[before, after] as const] }] as const;

describe('planPadding', () => {
  test.each([
    ['no padding', 8, along(3, 1, 1, 0), { kind: 'VALID' }],
    ['kernel 3, padding 1, stride 1', 8, along(3, 1, 1, 1), { kind: 'SAME' }],
    ['kernel 5, padding 2, stride 1', 8, along(5, 1, 1, 2), { kind: 'SAME' }],
    ['dilated by 6', 32, along(3, 1, 6, 6), { kind: 'SAME' }],
    ['stride 2 on an odd size', 7, along(3, 2, 1, 1), { kind: 'SAME' }],
    [
      'stride 2 on an even size reads the leading zero only',
      8,
      along(3, 2, 1, 1),
      { kind: 'explicit', pads: [[1, 0]] },
    ],
    ['trailing zeros that no window reaches', 8, along(2, 2, 1, 0, 1), { kind: 'VALID' }],
    ['more padding than the kernel needs', 8, along(3, 1, 1, 2), { kind: 'explicit', pads: [[2, 2]] }],
  ])('%s', (_, size, [kernel, geometry], plan) => {
    expect(planPadding([size], kernel, geometry)).toEqual(plan);
  });

  test('never leaves an axis with input to spare to SAME', () => {
    const geometry = {
      strides: [3, 1],
      dilations: [1, 1],
      padding: [
        [0, 0],
        [1, 1],
      ],
    } as const;
    const pads = [
      [0, 0],
      [1, 1],
    ];
    expect(planPadding([3, 3], [1, 3], geometry)).toEqual({ kind: 'explicit', pads });
  });

  test('never pads more than was asked for', () => {
    const small = fc.integer({ min: 1, max: 4 });
    const zeros = fc.integer({ min: 0, max: 4 });
    fc.assert(
      fc.property(fc.integer({ min: 16, max: 24 }), small, small, small, zeros, zeros, (n, k, s, d, before, after) => {
        const [kernel, geometry] = along(k, s, d, before, after);
        const plan = planPadding([n], kernel, geometry);
        if (plan.kind !== 'explicit') return;
        expect(plan.pads[0]![0]).toBe(before);
        expect(plan.pads[0]![1]).toBeLessThanOrEqual(after);
        const [valid, same] = [{ ...geometry, padding: plan.pads }, geometry];
        expect(convolutionSizes([n], kernel, valid)).toEqual(convolutionSizes([n], kernel, same));
      }),
    );
  });
});

describe('convolutionSizes', () => {
  test('counts the windows of each axis', () => {
    const geometry = { strides: [2, 1], dilations: [1, 2], padding: [[1, 1] as const, [0, 0] as const] };
    expect(convolutionSizes([64, 10], [3, 3], geometry)).toEqual([32, 6]);
  });

  test('says which axis is too small, with the numbers', () => {
    const [kernel, geometry] = along(3, 1, 4, 1);
    expect(() => convolutionSizes([6], kernel, geometry)).toThrow(
      /axis 0 of size 6 with padding 1, 1 is smaller than the kernel's reach of 9 \(size 3, dilation 4\)/,
    );
  });

  test('says where entries are missing', () => {
    const [kernel, geometry] = along(3, 1, 1, 1);
    expect(() => convolutionSizes([6, 6], kernel, geometry)).toThrow(GeometryError);
  });
});
