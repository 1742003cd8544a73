import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConvolutionGeometry, Engine } from '../../../src/engine/engine.ts';
import type { Shape, Tensor } from '../../../src/engine/tensor.ts';
import { expectClose, expectNoLeak, randomArray, toTensor } from '../../support/arrays.ts';
import * as naive from '../../support/naive.ts';

interface Case {
  input: Shape;
  filter: Shape;
  geometry: ConvolutionGeometry;
  seed: number;
}

export function convolutionTests(engine: () => Engine): void {
  describe.each([2, 3] as const)('convolution over %i spatial axes', (dims) => {
    test('agrees with the definition for every stride, dilation and padding', () => {
      fc.assert(
        fc.property(cases(dims, false), (c) => expectConvolution(engine(), c)),
        { numRuns: 60 },
      );
    });

    test('agrees where the kernel is dilated', () => {
      fc.assert(
        fc.property(cases(dims, true), (c) => expectConvolution(engine(), c)),
        { numRuns: 60 },
      );
    });

    test.each([
      ['same padding', 3, 1, 1, 1, 6],
      ['the stem: kernel 3, stride 2, padding 1, even size', 3, 2, 1, 1, 8],
      ['kernel 3, stride 2, padding 1, odd size', 3, 2, 1, 1, 7],
      ['doubling: kernel 2, stride 2', 2, 2, 1, 0, 6],
      ['kernel 1', 1, 1, 1, 0, 5],
      ['kernel 1, stride 2', 1, 2, 1, 0, 5],
      ['dilation 2 with padding 2', 3, 1, 2, 2, 6],
      ['dilation 6 with padding 6, wider than the image', 3, 1, 6, 6, 5],
    ])('%s', (_, kernel, stride, dilation, padding, size) => {
      const each = <T>(value: T): T[] => Array.from({ length: dims }, () => value);
      expectConvolution(engine(), {
        input: [2, ...each(size), 3],
        filter: [...each(kernel), 3, 5],
        geometry: { strides: each(stride), dilations: each(dilation), padding: each([padding, padding] as const) },
        seed: 11,
      });
    });

    test('the last window of one axis leaves input over, another axis is padded', () => {
      const [size, kernel] = [(axis: number) => (axis === 0 ? 3 : 4), (axis: number) => (axis === 0 ? 1 : 3)];
      const axes = Array.from({ length: dims }, (_, axis) => axis);
      expectConvolution(engine(), {
        input: [2, ...axes.map(size), 1],
        filter: [...axes.map(kernel), 1, 2],
        geometry: {
          strides: axes.map((axis) => (axis === 0 ? 3 : 1)),
          dilations: axes.map(() => 1),
          padding: axes.map((axis) => (axis === 0 ? ([0, 0] as const) : ([1, 1] as const))),
        },
        seed: 5,
      });
    });

    test('says which axis is too small for the kernel', () => {
      const each = <T>(value: T): T[] => Array.from({ length: dims }, () => value);
      const geometry = { strides: each(1), dilations: each(1), padding: each([0, 0] as const) };
      expectNoLeak(engine(), () => {
        const x = toTensor(engine(), randomArray([1, ...each(2), 1], 1));
        const filter = toTensor(engine(), randomArray([...each(3), 1, 1], 2));
        expect(() => engine().convolve(x, filter, geometry)).toThrow(/axis 0 of size 2 .* smaller than the kernel/);
        x.dispose();
        filter.dispose();
      });
    });

    test('adds a bias to every voxel, and gathers its gradient', () => {
      const shape = [2, ...[4, 3, 5].slice(0, dims), 3];
      const [x, bias] = [randomArray(shape, 1), randomArray([3], 2)];
      const sums = [0, 1, 2].map((c) => x.values.reduce((sum, v, i) => sum + (i % 3 === c ? v : 0), 0));
      expectNoLeak(engine(), () => {
        const [tx, tb] = [toTensor(engine(), x), toTensor(engine(), bias)];
        const shifted = { shape, values: x.values.map((v, i) => v + bias.values[i % 3]!) };
        expectClose(engine(), engine().addBias(tx, tb), shifted);
        expectClose(engine(), engine().biasGradient(tx), { shape: [3], values: Float64Array.from(sums) });
        tx.dispose();
        tb.dispose();
      });
    });
  });
}

/**
 * Convolutions of few positions and so many channels that an engine may compute them in another way, against those of a part
 * of the output channels at a time, which are small: the definition would take minutes.
 */
export function wideConvolutionTests(engine: () => Engine): void {
  test.each([2, 3] as const)('a wide convolution over %i spatial axes is that of its parts', (dims) => {
    fc.assert(
      fc.property(cases(dims, true), (c) => expectParts(engine(), widened(c))),
      { numRuns: 25 },
    );
  });
}

const PARTS = 4;

/** The same convolution with some 300,000 weights. */
function widened({ input, filter, ...rest }: Case): Case {
  const [kernel, from] = [filter.slice(0, -2), 60];
  const to = Math.ceil(300_000 / (from * kernel.reduce((product, size) => product * size, PARTS))) * PARTS;
  return { ...rest, input: [...input.slice(0, -1), from], filter: [...kernel, from, to] };
}

function expectParts(engine: Engine, { input, filter, geometry, seed }: Case): void {
  const { addN, concat, split } = engine.math;
  const [x, w] = [randomArray(input, seed), randomArray(filter, seed + 1)];
  const dy = randomArray(naive.convolvedShape(input, filter, geometry), seed + 2);
  const partShape = [...filter.slice(0, -1), filter.at(-1)! / PARTS];
  expectNoLeak(engine, () =>
    engine.tidy(() => {
      const [tx, tw, tdy] = [toTensor(engine, x), toTensor(engine, w), toTensor(engine, dy)];
      const [weights, gradients] = [split(tw, PARTS, filter.length - 1), split(tdy, PARTS, filter.length - 1)];
      const outputs = weights.map((part) => engine.convolve(tx, part, geometry));
      const inputs = weights.map((part, i) => engine.convolveInputGradient(input, part, gradients[i]!, geometry));
      const filters = gradients.map((part) => engine.convolveFilterGradient(tx, partShape, part, geometry));
      expectSame(engine, engine.convolve(tx, tw, geometry), concat(outputs, -1));
      expectSame(engine, engine.convolveInputGradient(input, tw, tdy, geometry), addN(inputs));
      expectSame(engine, engine.convolveFilterGradient(tx, filter, tdy, geometry), concat(filters, -1));
    }),
  );
}

function expectSame(engine: Engine, actual: Tensor, expected: Tensor): void {
  const { abs, max, sub } = engine.math;
  expect(actual.shape).toEqual(expected.shape);
  const [difference, size] = [max(abs(sub(actual, expected))), max(abs(expected))].map((of) => engine.read(of)[0]!);
  expect(difference).toBeLessThanOrEqual(1e-5 * (1 + size!));
}

/** The forward pass and both gradients against the reference, with nothing left behind. */
function expectConvolution(engine: Engine, { input, filter, geometry, seed }: Case): void {
  const [x, w] = [randomArray(input, seed), randomArray(filter, seed + 1)];
  const dy = randomArray(naive.convolvedShape(input, filter, geometry), seed + 2);
  expectNoLeak(engine, () => {
    const [tx, tw, tdy] = [toTensor(engine, x), toTensor(engine, w), toTensor(engine, dy)];
    expectClose(engine, engine.convolve(tx, tw, geometry), naive.convolve(x, w, geometry));
    expectClose(
      engine,
      engine.convolveInputGradient(input, tw, tdy, geometry),
      naive.convolveInputGradient(input, w, dy, geometry),
    );
    expectClose(
      engine,
      engine.convolveFilterGradient(tx, filter, tdy, geometry),
      naive.convolveFilterGradient(x, filter, dy, geometry),
    );
    for (const tensor of [tx, tw, tdy]) tensor.dispose();
  });
}

/** Small random convolutions; each axis has its own size, kernel, stride, dilation and padding. */
function cases(dims: 2 | 3, dilated: boolean): fc.Arbitrary<Case> {
  const axis = fc
    .record({
      size: fc.integer({ min: 1, max: dims === 3 ? 5 : 8 }),
      kernel: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 3 }),
      dilation: fc.integer({ min: 1, max: dilated ? 3 : 1 }),
      padding: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })),
    })
    .filter((a) => a.size + a.padding[0] + a.padding[1] > (a.kernel - 1) * a.dilation);
  const channels = fc.integer({ min: 1, max: 3 });
  return fc
    .tuple(
      fc.array(axis, { minLength: dims, maxLength: dims }),
      fc.integer({ min: 1, max: 2 }),
      channels,
      channels,
      fc.nat(),
    )
    .map(([axes, batch, channelsIn, channelsOut, seed]) => ({
      input: [batch, ...axes.map((a) => a.size), channelsIn],
      filter: [...axes.map((a) => a.kernel), channelsIn, channelsOut],
      geometry: {
        strides: axes.map((a) => a.stride),
        dilations: axes.map((a) => a.dilation),
        padding: axes.map((a) => a.padding),
      },
      seed,
    }));
}
