import { beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { concatenateChannels } from '../../src/layers/concatenation.ts';
import { layersFor } from '../../src/layers/factory.ts';
import { backwardSequence, forwardSequence } from '../../src/layers/sequence.ts';
import type { Cell } from '../../src/models/cell.ts';
import {
  backwardCell,
  backwardCellInput,
  backwardCellWeights,
  cellOperations,
  cellOutputShape,
  disposeCellSaved,
  forwardCell,
} from '../../src/models/runCell.ts';
import { draw, fillStore, gradientsOf, passOf, valuesOf } from '../layers/bench.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});

const make = layersFor(2);
const cell: Cell = {
  name: 'up',
  layers: [
    make.convolution('c', { inChannels: 5, outChannels: 4, kernel: 3, padding: 1 }),
    make.batchNorm('n', { channels: 4 }),
    make.leakyRelu('a'),
  ],
  pop: 'below',
  stash: 'above',
};
const [inputShape, skipShape, outputShape] = [
  [2, 4, 3, 2],
  [2, 4, 3, 3],
  [2, 4, 3, 4],
];
const tensor = (name: string, shape: readonly number[]) => engine.tensor(draw(name, shape), shape);

/** What the cell means, spelt out with the layers alone. */
function spelt() {
  const store = fillStore(engine, cell.layers);
  const pass = passOf(engine, store);
  const joined = engine.tidy(() =>
    concatenateChannels(engine, 'up', tensor('x', inputShape), tensor('skip', skipShape)),
  );
  const { output, saved } = forwardSequence(pass, cell.layers, joined);
  const dy = engine.tidy(() => engine.math.add(tensor('dy', outputShape), tensor('stash', outputShape)));
  const gradient = backwardSequence(pass, cell.layers, saved, dy)!;
  joined.dispose();
  const values = valuesOf(engine, gradient);
  const result = {
    output: valuesOf(engine, output),
    input: values.filter((_, i) => i % 5 < 2),
    skip: values.filter((_, i) => i % 5 >= 2),
    gradients: gradientsOf(engine, store),
  };
  store.dispose();
  return result;
}

test.each([false, true])(
  'a cell pops, computes and stashes, and so does its backward pass (in halves: %s)',
  (halves) => {
    const expected = spelt();
    const before = engine.memory();
    const store = fillStore(engine, cell.layers);
    const pass = passOf(engine, store);
    const [x, skip] = [tensor('x', inputShape), tensor('skip', skipShape)];
    const { output, stash, saved } = forwardCell(pass, cell, x, skip);
    [x, skip].forEach((given) => given.dispose());
    expect(valuesOf(engine, stash!)).toEqual(expected.output);
    expect(valuesOf(engine, output)).toEqual(expected.output);
    const gradients = [tensor('dy', outputShape), tensor('stash', outputShape)] as const;
    const first = halves ? backwardCellInput(pass, cell, saved, ...gradients) : undefined;
    if (first) backwardCellWeights(pass, first.held);
    const back = first ?? backwardCell(pass, cell, saved, ...gradients);
    expect(valuesOf(engine, back.input!)).toEqual(expected.input);
    expect(valuesOf(engine, back.skip!)).toEqual(expected.skip);
    expect(gradientsOf(engine, store)).toEqual(expected.gradients);
    store.dispose();
    expect(engine.memory()).toEqual(before);
  },
);

test('a cell that starts the network gives no gradient of its input where none is needed', () => {
  const { pop: _, stash: __, ...rest } = cell;
  const first: Cell = { ...rest, name: 'stem' };
  const before = engine.memory();
  const store = fillStore(engine, first.layers);
  const pass = passOf(engine, store);
  const x = tensor('x', [2, 4, 3, 5]);
  const forward = forwardCell(pass, first, x);
  expect('stash' in forward).toBe(false);
  const dy = tensor('dy', outputShape);
  expect(backwardCell(pass, first, forward.saved, dy, undefined, { needInput: false })).toEqual({ input: undefined });
  [x, forward.output].forEach((given) => given.dispose());
  store.dispose();
  expect(engine.memory()).toEqual(before);
});

test('what a cell kept can be let go of', () => {
  const store = fillStore(engine, cell.layers);
  const [x, skip] = [tensor('x', inputShape), tensor('skip', skipShape)];
  const before = engine.memory();
  const { output, stash, saved } = forwardCell(passOf(engine, store), cell, x, skip);
  [output, stash!].forEach((given) => given.dispose());
  disposeCellSaved(saved);
  expect(engine.memory()).toEqual(before);
  [x, skip].forEach((given) => given.dispose());
  store.dispose();
});

test('a skip that is missing, unasked for or of another size is told with the cell', () => {
  const store = fillStore(engine, cell.layers);
  const pass = passOf(engine, store);
  const [x, skip, small] = [tensor('x', inputShape), tensor('skip', skipShape), tensor('small', [2, 4, 2, 3])];
  expect(() => forwardCell(pass, cell, x)).toThrow('cell up needs skip below');
  const { pop: _, ...deaf } = cell;
  expect(() => forwardCell(pass, deaf, x, skip)).toThrow('cell up pops no skip, but was given one');
  expect(() => forwardCell(pass, cell, x, small)).toThrow(/^up cannot take .*\(2, 4, 2, 3\).*\(2, 4, 3\)/);
  [x, skip, small].forEach((given) => given.dispose());
  store.dispose();
});

test('shapes and costs count the channels of the skip', () => {
  expect(cellOutputShape(cell, inputShape, skipShape)).toEqual(outputShape);
  expect(cellOperations(cell, inputShape, skipShape)).toBe(
    cell.layers[0]!.operations([2, 4, 3, 5]) +
      cell.layers.slice(1).reduce((sum, layer) => sum + layer.operations(outputShape), 0),
  );
  expect(() => cellOutputShape(cell, inputShape)).toThrow(/^c cannot take/);
});
