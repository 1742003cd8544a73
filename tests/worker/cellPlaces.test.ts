import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildModel } from '../../src/models/index.ts';
import { cellFootprints } from '../../src/partition/cellCost.ts';
import { cellPlaces, windowsOf } from '../../src/worker/cellPlaces.ts';
import { smallModel } from '../support/replay.ts';

const model = buildModel(smallModel({ depth: 2 }));
const shape = [2, 16, 8, 1];
const optimizer = { name: 'sgd', lr: 1, momentum: 0, nesterov: false, weight_decay: 0 } as const;
const kept = cellFootprints(model, shape, optimizer).map(({ activationBytes }) => activationBytes);
const all = kept.reduce((sum, bytes) => sum + bytes, 0);

it('windows have all cells in their order, each as many as keep within the bytes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 * all }), (bytes) => {
      const windows = windowsOf(model, shape, { optimizer, bytes });
      expect(windows.flat()).toEqual(cellPlaces(model, shape));
      let cell = 0;
      for (const window of windows) {
        const held = kept.slice(cell, cell + window.length).reduce((sum, each) => sum + each, 0);
        if (window.length > 1) expect(held).toBeLessThanOrEqual(bytes);
        const next = kept[cell + window.length];
        if (next !== undefined) expect(held + next).toBeGreaterThan(bytes);
        cell += window.length;
      }
    }),
  );
});

it('only the first cell of the network needs no gradient of its input, and skips have the shapes of what was stashed', () => {
  const places = cellPlaces(model, shape);
  expect(places.map(({ needInput }) => needInput)).toEqual(places.map((_, index) => index > 0));
  for (const { cell, skip } of places) expect(skip === undefined).toBe(cell.pop === undefined);
});
