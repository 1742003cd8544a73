import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { layersFor } from '../../src/layers/factory.ts';
import { backwardSequence, forwardSequence } from '../../src/layers/sequence.ts';
import { layersOf, type Cell } from '../../src/models/cell.ts';
import { countParameters } from '../../src/models/describe.ts';
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
const cell = {
  name: 'up',
  layers: [
    make.convolution('c', { inChannels: 5, outChannels: 4, kernel: 3, padding: 1 }),
    make.batchNorm('n', { channels: 4 }),
    make.leakyRelu('a'),
  ],
  pop: 'below',
  stash: 'above',
} satisfies Cell;
const [inputShape, skipShape, outputShape] = [
  [2, 4, 3, 2],
  [2, 4, 3, 3],
  [2, 4, 3, 4],
];
const bridge = (outChannels: number) => [
  make.convolution('b.c', { inChannels: 3, outChannels, kernel: 1 }),
  make.batchNorm('b.n', { channels: outChannels }),
  make.leakyRelu('b.a'),
];
const two = [make.convolution('c', { inChannels: 2, outChannels: 4, kernel: 3, padding: 1 }), ...cell.layers.slice(1)];

/** Every way to take in a skip. */
const ways: { title: string; cell: Cell; skipShape?: readonly number[] }[] = [
  { title: 'puts it behind its channels', cell },
  { title: 'puts it behind its channels after a bridge', cell: { ...cell, popThrough: bridge(3) } },
  { title: 'puts it before its channels', cell: { ...cell, join: 'prepend' } },
  { title: 'adds it', cell: { ...cell, layers: two, join: 'add' }, skipShape: inputShape },
  { title: 'adds it after a bridge', cell: { ...cell, layers: two, join: 'add', popThrough: bridge(2) } },
  { title: 'adds it and does nothing else', cell: { ...cell, layers: [], join: 'add', popThrough: bridge(2) } },
];
const tensor = (name: string, shape: readonly number[]) => engine.tensor(draw(name, shape), shape);

/** What a cell means, spelt out with the layers alone. */
function spelt({ layers, popThrough = [], join }: Cell, skipOf: readonly number[], to: readonly number[]) {
  const store = fillStore(engine, [...popThrough, ...layers]);
  const pass = passOf(engine, store);
  const [x, skip] = [tensor('x', inputShape), tensor('skip', skipOf)];
  const through = forwardSequence(pass, popThrough, skip);
  const joined =
    join === 'add'
      ? x.add(through.output)
      : engine.math.concat(join === 'prepend' ? [through.output, x] : [x, through.output], -1);
  const { output, saved } = forwardSequence(pass, layers, joined);
  const dy = engine.tidy(() => engine.math.add(tensor('dy', to), tensor('stash', to)));
  const gradient = backwardSequence(pass, layers, saved, dy)!;
  const channels = joined.shape.at(-1)!;
  const values = Array.from(engine.read(gradient));
  const own = (i: number): boolean => (join === 'prepend' ? i % channels >= channels - 2 : i % channels < 2);
  const behind = values.filter((_, i) => join === 'add' || !own(i));
  const behindGradient = engine.tensor(Float32Array.from(behind), through.output.shape);
  const skipGradient = backwardSequence(pass, popThrough, through.saved, behindGradient)!;
  const result = {
    output: valuesOf(engine, output),
    input: values.filter((_, i) => join === 'add' || own(i)),
    skip: valuesOf(engine, skipGradient),
    gradients: gradientsOf(engine, store),
  };
  [x, skip, through.output, joined, gradient].forEach((each) => each.dispose());
  store.dispose();
  return result;
}

describe.each(ways)('a cell that pops a skip and $title', ({ cell: popping, skipShape: skipOf = skipShape }) => {
  test.each([false, true])('computes and stashes, and so does its backward pass (in halves: %s)', (halves) => {
    const to = cellOutputShape(popping, inputShape, skipOf);
    const expected = spelt(popping, skipOf, to);
    const before = engine.memory();
    const store = fillStore(engine, layersOf(popping));
    const pass = passOf(engine, store);
    const [x, skip] = [tensor('x', inputShape), tensor('skip', skipOf)];
    const { output, stash, saved } = forwardCell(pass, popping, x, skip);
    [x, skip].forEach((given) => given.dispose());
    expect(output.shape).toEqual(to);
    expect(valuesOf(engine, stash!)).toEqual(expected.output);
    expect(valuesOf(engine, output)).toEqual(expected.output);
    const gradients = [tensor('dy', to), tensor('stash', to)] as const;
    const first = halves ? backwardCellInput(pass, popping, saved, ...gradients) : undefined;
    if (first) backwardCellWeights(pass, first.held);
    const back = first ?? backwardCell(pass, popping, saved, ...gradients);
    expect(valuesOf(engine, back.input!)).toEqual(expected.input);
    expect(valuesOf(engine, back.skip!)).toEqual(expected.skip);
    expect(gradientsOf(engine, store)).toEqual(expected.gradients);
    store.dispose();
    expect(engine.memory()).toEqual(before);
  });

  test('lets go of what it kept, and keeps nothing where nothing is to be kept', () => {
    const store = fillStore(engine, layersOf(popping));
    const [x, skip] = [tensor('x', inputShape), tensor('skip', skipOf)];
    const before = engine.memory();
    for (const keep of [true, false]) {
      const { output, stash, saved } = forwardCell(passOf(engine, store, { keep }), popping, x, skip);
      [output, stash!].forEach((given) => given.dispose());
      if (keep) disposeCellSaved(saved);
      expect(engine.memory()).toEqual(before);
    }
    [x, skip].forEach((given) => given.dispose());
    store.dispose();
  });
});

test('a cell of training only gives its input on in evaluation, also as its skip, and drops what it pops', () => {
  const head: Cell = { ...cell, trainingOnly: true };
  const store = fillStore(engine, head.layers);
  const [x, skip] = [tensor('x', inputShape), tensor('skip', skipShape)];
  const before = engine.memory();
  const evaluated = forwardCell(passOf(engine, store, { mode: 'evaluate', keep: false }), head, x, skip);
  for (const given of [evaluated.output, evaluated.stash!])
    expect(valuesOf(engine, given)).toEqual(Array.from(engine.read(x)));
  expect(engine.memory()).toEqual(before);
  const trained = forwardCell(passOf(engine, store), head, x, skip);
  expect(trained.output.shape).toEqual(outputShape);
  [trained.output, trained.stash!, x, skip].forEach((given) => given.dispose());
  disposeCellSaved(trained.saved);
  store.dispose();
});

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

test('a skip that is missing, unasked for or of another size is told with the cell', () => {
  const store = fillStore(engine, cell.layers);
  const pass = passOf(engine, store);
  const [x, skip, small] = [tensor('x', inputShape), tensor('skip', skipShape), tensor('small', [2, 4, 2, 3])];
  expect(() => forwardCell(pass, cell, x)).toThrow('cell up needs skip below');
  const { pop: _, ...deaf } = cell;
  expect(() => forwardCell(pass, deaf, x, skip)).toThrow('cell up pops no skip, but was given one');
  expect(() => forwardCell(pass, cell, x, small)).toThrow(/^up cannot take .*\(2, 4, 2, 3\).*\(2, 4, 3\)/);
  expect(() => forwardCell(pass, { ...cell, join: 'add' }, x, skip)).toThrow(
    /^up cannot take .*\(2, 4, 3, 3\).*\(2, 4, 3, 2\)/,
  );
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
  expect(() => cellOutputShape(cell, inputShape, [2, 4, 2, 3])).toThrow(/^up cannot take/);
  const bridged: Cell = { ...cell, popThrough: bridge(3) };
  expect(cellOperations(bridged, inputShape, skipShape)).toBe(
    cellOperations(cell, inputShape, skipShape) +
      bridge(3).reduce((sum, layer) => sum + layer.operations(skipShape), 0),
  );
  expect(countParameters([bridged]) - countParameters([cell])).toBe(3 * 3 + 3 + 2 * 3);
});
