import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cellsSchema } from '../../../src/config/schema/cells.ts';
import { describeModel, countParameters, parameterSpecs } from '../../../src/models/describe.ts';
import { own } from '../../../src/models/own/index.ts';
import { OwnModelError } from '../../../src/models/own/error.ts';

const model = (cells: unknown, more: object = {}) =>
  own({
    ...{ name: 'own', spatial_dims: 2, in_channels: 1, out_channels: 2 },
    ...more,
    cells: cellsSchema.parse(cells),
  });

const down = { name: 'down', layers: [{ name: 'convolution', channels: 4, stride: 2 }], stash: 'half' };
const deep = { name: 'deep', layers: [{ name: 'max_pool' }, { name: 'convolution', channels: 6 }] };
const up = { name: 'up', layers: [{ name: 'transposed_convolution', channels: 4 }] };
const join = { name: 'join', pop: 'half', layers: [{ name: 'batch_norm' }, { name: 'upsample' }] };
const head = { name: 'head', layers: [{ name: 'convolution', channels: 2, kernel: 1 }] };

describe('a network of one’s own', () => {
  test('is what its cells say: sizes, channels and names of parameters follow', () => {
    const built = model([down, deep, up, join, head]);
    expect(built.divisor).toBe(4);
    const shapes = describeModel(built, [1, 8, 12, 1]).map(({ outputShape }) => outputShape.slice(1).join(' '));
    expect(shapes).toEqual(['4 6 4', '2 3 6', '4 6 4', '8 12 8', '8 12 2']);
    expect(parameterSpecs(built.cells).map(({ name }) => name)).toEqual([
      ...['down.0.weight', 'down.0.bias', 'deep.1.weight', 'deep.1.bias', 'up.0.weight', 'up.0.bias'],
      ...['join.0.weight', 'join.0.bias', 'join.0.running_mean', 'join.0.running_var', 'head.0.weight', 'head.0.bias'],
    ]);
    expect(countParameters(built.cells)).toBe(40 + 222 + 100 + 16 + 18);
  });

  test('adds a skip where it is asked to, through layers that give it the right channels', () => {
    const through = [{ name: 'convolution', channels: 4, kernel: 1 }];
    const wide = { ...down, layers: [...down.layers, { name: 'convolution', channels: 8 }] };
    const narrow = { name: 'narrow', layers: [{ name: 'convolution', channels: 4 }] };
    const added = { ...join, join: 'add', pop_through: through };
    const built = model([wide, narrow, added, head]);
    expect(built.cells[2]).toMatchObject({ pop: 'half', join: 'add' });
    expect(parameterSpecs(built.cells).map(({ name }) => name)).toContain('join.pop.0.weight');
  });

  test('takes any image that its divisor divides, whatever its strides', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(1, 2, 3), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 3 }),
        (strides, times) => {
          const cells = [
            ...strides.map((stride, i) => ({
              name: `down${i}`,
              layers: [{ name: 'convolution', channels: 2, stride }],
            })),
            ...strides.toReversed().map((stride, i) => ({
              name: `up${i}`,
              layers: [{ name: 'transposed_convolution', channels: 2, kernel: stride, stride }],
            })),
          ];
          const built = model(cells);
          expect(built.divisor).toBe(strides.reduce<number>((product, stride) => product * stride, 1));
          const size = [built.divisor * times, built.divisor];
          expect(describeModel(built, [1, ...size, 1]).at(-1)!.outputShape).toEqual([1, ...size, 2]);
        },
      ),
    );
  });

  const refused: readonly (readonly [string, unknown, RegExp])[] = [
    ['a skip that nobody stashed', [{ ...down, stash: undefined }, join, head], /join.*pops skip half/],
    ['a skip that nobody pops', [down, { ...up }, head], /no cell pops skip half/],
    ['a skip that is stashed twice', [down, { ...deep, stash: 'half' }, up, join, head], /stashed already/],
    ['a skip of another resolution', [down, deep, join, head], /skip half is 2 × 2 times coarser .* the input 4 × 4/],
    [
      'channels that cannot be added',
      [
        down,
        deep,
        { ...up, layers: [{ name: 'transposed_convolution', channels: 8 }] },
        { ...join, join: 'add' },
        head,
      ],
      /has 4 channels, and the input 8/,
    ],
    [
      'other channels than classes',
      [{ ...head, layers: [{ name: 'convolution', channels: 3 }] }],
      /model.out_channels is 2/,
    ],
    ['an end below full resolution', [{ ...down, stash: undefined }, head], /2 × 2 times coarser/],
    ['more upsampling than downsampling', [{ name: 'up', layers: [{ name: 'upsample' }] }], /beyond the resolution/],
    ['two cells of one name', [head, head], /name is that of another cell/],
    ['groups that do not divide', [{ name: 'norm', layers: [{ name: 'group_norm', groups: 3 }] }, head], /cell norm/],
    [
      'convolutions without zeros',
      [{ ...head, layers: [{ name: 'convolution', channels: 2, padding: 0 }] }],
      /padding: same/,
    ],
    ['layers for a skip that is not popped', [{ ...head, pop_through: [] }], /pop_through without a skip/],
  ];
  test.each(refused)('that has %s is refused, with the cell and a remedy', (_, cells, message) => {
    const build = (): unknown => model(cells);
    expect(build).toThrow(OwnModelError);
    expect(build).toThrow(message);
  });
});
