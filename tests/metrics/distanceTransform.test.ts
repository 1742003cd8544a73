import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { squaredDistances, type SpacedGrid } from '../../src/metrics/distanceTransform.ts';

/** Points of a grid as places in mm. */
const placesOf = ({ size, spacing }: SpacedGrid): readonly (readonly number[])[] => {
  const [nx = 1, ny = 1, nz = 1] = size;
  const [sx = 1, sy = 1, sz = 1] = spacing;
  return Array.from({ length: nx * ny * nz }, (_, i) => [
    sx * (i % nx),
    sy * (Math.floor(i / nx) % ny),
    sz * Math.floor(i / (nx * ny)),
  ]);
};

/** By looking at every site from every point. */
function bruteForce(sites: Uint8Array, grid: SpacedGrid): number[] {
  const places = placesOf(grid);
  const targets = places.filter((_, i) => sites[i] === 1);
  return places.map((from) =>
    Math.min(...targets.map((to) => from.reduce((sum, value, axis) => sum + (value - to[axis]!) ** 2, 0))),
  );
}

const length = fc.integer({ min: 1, max: 7 });
const spacing = fc.constantFrom(0.1, 0.5, 1, 1.5, 2, 7);
const grid = fc.integer({ min: 2, max: 3 }).chain((axes) =>
  fc.record({
    size: fc.array(length, { minLength: axes, maxLength: axes }),
    spacing: fc.array(spacing, { minLength: axes, maxLength: axes }),
  }),
);

test('distances are those of the nearest site, on every grid', () => {
  const sitesOn = fc.tuple(
    grid,
    fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
    fc.double({ min: 0, max: 1, noNaN: true }),
  );
  fc.assert(
    fc.property(sitesOn, ([where, draws, density]) => {
      const points = where.size.reduce((product, n) => product * n, 1);
      const sites = Uint8Array.from({ length: points }, () => (draws.next().value! < density ** 3 ? 1 : 0));
      const expected = bruteForce(sites, where);
      const got = squaredDistances(sites, where);
      got.forEach((value, i) =>
        value === Infinity ? expect(expected[i]).toBe(Infinity) : expect(value).toBeCloseTo(expected[i]!, 9),
      );
    }),
  );
});

test('without a site every distance is infinite', () => {
  expect([...squaredDistances(new Uint8Array(4), { size: [2, 2], spacing: [1, 1] })]).toEqual([
    Infinity,
    Infinity,
    Infinity,
    Infinity,
  ]);
});

test('whole voxels are counted exactly', () => {
  const sites = new Uint8Array(1001);
  sites[0] = 1;
  expect(squaredDistances(sites, { size: [1001, 1, 1], spacing: [1, 1, 1] })[1000]).toBe(1_000_000);
});
