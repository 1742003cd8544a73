import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { modelSchema } from '../../src/config/schema/model.ts';
import type { Model } from '../../src/models/cell.ts';
import { countParameters, describeModel, InputShapeError, parameterSpecs } from '../../src/models/describe.ts';
import { buildModel } from '../../src/models/index.ts';

const unetpipe = (options: object): Model =>
  buildModel(modelSchema.parse({ name: 'unetpipe', out_channels: 10, ...options }));

test.each([
  [32, 22_906_650],
  [64, 91_604_522],
  [128, 214_284_906],
])('a network of %i features has the parameters of LAMP (%i)', (n_feat, expected) => {
  expect(countParameters(unetpipe({ n_feat }).cells)).toBe(expected);
});

test('depth 4 is 36 cells, at least as fine as the 30 layers of LAMP', () => {
  const { cells, divisor } = unetpipe({});
  expect(cells).toHaveLength(36);
  expect(divisor).toBe(32);
  expect(cells.slice(0, 5).map(({ name }) => name)).toEqual([
    'encoder.0.Conv.conv',
    'encoder.0.Conv.norm',
    'encoder.1.Down.conv.0.conv',
    'encoder.1.Down.conv.0.norm',
    'encoder.1.Down.conv.1.conv',
  ]);
  expect(cells.slice(-7).map(({ name }) => name)).toEqual([
    'decoder.3.Up.upsample',
    'decoder.3.Conv1x1x1',
    'decoder.3.Conv.conv.0.conv',
    'decoder.3.Conv.conv.0.norm',
    'decoder.3.Conv.conv.1.conv',
    'decoder.4.Up.upsample',
    'decoder.4.out',
  ]);
});

test('every size that is a multiple of the divisor comes out as it went in', () => {
  const networks = fc.record({
    spatial_dims: fc.constantFrom(2, 3),
    in_channels: fc.integer({ min: 1, max: 3 }),
    out_channels: fc.integer({ min: 2, max: 5 }),
    n_feat: fc.integer({ min: 1, max: 40 }),
    depth: fc.integer({ min: 1, max: 6 }),
    norm: fc.constantFrom('batch', 'instance', 'group'),
    halves: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 }),
  });
  fc.assert(
    fc.property(networks, ({ halves, ...options }) => {
      const model = unetpipe(options);
      const spatial = halves.slice(0, options.spatial_dims).map((half) => half * model.divisor);
      const described = describeModel(model, [2, ...spatial, options.in_channels]);
      expect(model.cells).toHaveLength(4 + 8 * options.depth);
      expect(described.at(-1)!.outputShape).toEqual([2, ...spatial, options.out_channels]);
      expect(described.every(({ operations }) => operations > 0)).toBe(true);
      expect(described.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(countParameters(model.cells));
    }),
    { numRuns: 60 },
  );
});

test('names of parameters are unique, and every skip is stashed once before it is popped once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), (depth) => {
      const { cells } = unetpipe({ depth, n_feat: 2 });
      const names = parameterSpecs(cells).map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      const open = new Set<string>();
      for (const { pop, stash } of cells) {
        expect(pop === undefined || open.delete(pop)).toBe(true);
        if (stash !== undefined) open.add(stash);
      }
      expect(open.size).toBe(0);
    }),
  );
});

test('a sample of 64³ at 32 features takes the 46 GFLOP that were reckoned by hand, forward and backward', () => {
  const total = describeModel(unetpipe({}), [1, 64, 64, 64, 1]).reduce((sum, { operations }) => sum + operations, 0);
  expect((3 * total) / 1e9).toBeGreaterThan(43);
  expect((3 * total) / 1e9).toBeLessThan(49);
});

test('an input that does not fit is refused with what would', () => {
  const model = unetpipe({});
  expect(() => describeModel(model, [1, 64, 48, 64, 1])).toThrow(/multiple of 32; 64 × 64 × 64 is the next/);
  expect(() => describeModel(model, [1, 64, 64, 64, 2])).toThrow(InputShapeError);
  expect(() => describeModel(model, [1, 64, 64, 1])).toThrow(/expected \(batch, depth, height, width, 1\)/);
  expect(() => describeModel(unetpipe({ spatial_dims: 2 }), [1, 64, 64, 64, 1])).toThrow(/\(batch, height, width, 1\)/);
});
