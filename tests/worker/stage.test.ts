import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/engine/tensor.ts';
import type { Pass } from '../../src/layers/layer.ts';
import { ParameterStore } from '../../src/layers/parameterStore.ts';
import { endMiniBatch } from '../../src/layers/sequence.ts';
import type { Cell } from '../../src/models/cell.ts';
import { parameterSpecs } from '../../src/models/describe.ts';
import { buildModel } from '../../src/models/index.ts';
import { initializeParameters } from '../../src/models/initialize.ts';
import { Stage } from '../../src/worker/stage.ts';
import { randomArray, toTensor } from '../support/arrays.ts';
import { smallModel } from '../support/replay.ts';
import { backwardCells, forwardCells } from '../support/singleProcess.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});

const { cells } = buildModel(smallModel({ depth: 2, n_feat: 2 }));
/** Cut so that both skips leave the first stage and one the second. */
const cuts = [
  [0, 4],
  [4, 9],
  [9, cells.length],
] as const;
const microBatches = 3;
const shape = [2, 8, 16, 1];
const image = (m: number): Tensor => toTensor(engine, randomArray(shape, 10 + m));
const gradient = (m: number): Tensor => toTensor(engine, randomArray([2, 8, 16, 2], 20 + m));

function storeOf(some: readonly Cell[]): ParameterStore {
  const store = new ParameterStore(engine);
  initializeParameters(engine, store, parameterSpecs(some), 5);
  return store;
}

/** All gradients and running statistics by name. */
function numbersOf(stores: readonly ParameterStore[]): Map<string, Float32Array> {
  const numbers = new Map<string, Float32Array>();
  for (const { spec, gradient: found, value } of stores.flatMap((store) => store.all())) {
    if (spec.role === 'parameter') numbers.set(spec.name, engine.read(found!) as Float32Array);
    else {
      const buffer = value.read();
      numbers.set(spec.name, engine.read(buffer) as Float32Array);
      buffer.dispose();
    }
  }
  return numbers;
}

type Settings = {
  recompute: 'always' | 'except_last' | 'never';
  batchNorm: 'micro' | 'deferred';
  /** Whether the weight gradients come later than the input gradients. */
  split: boolean;
};

/** The stages one behind the other, with the skips carried by hand: what a pipeline does, without its wires. */
class Chain {
  readonly stores: readonly ParameterStore[];
  readonly stages: readonly Stage[];

  readonly #split: boolean;

  constructor({ recompute, batchNorm, split }: Settings) {
    this.#split = split;
    this.stores = cuts.map(([start, end]) => storeOf(cells.slice(start, end)));
    this.stages = cuts.map(([start, end], index) => {
      const parameters = this.stores[index]!;
      const first = index === 0;
      return new Stage({ engine, parameters, recompute, batchNorm, first, cells: cells.slice(start, end) });
    });
  }

  forward(m: number, input: Tensor): Tensor {
    let x = input;
    const skips = new Map<string, Tensor>();
    for (const [index, stage] of this.stages.entries()) {
      const { output, stashes } = stage.forward(m, microBatches, x, this.#take(skips, index, 'pop'), draws(m));
      for (const [name, skip] of stashes) skips.set(name, skip);
      x = output;
    }
    return x;
  }

  backward(m: number, output: Tensor): Tensor | undefined {
    let dy: Tensor | undefined = output;
    const skips = new Map<string, Tensor>();
    for (const [index, stage] of [...this.stages.entries()].toReversed()) {
      const stashes = this.#take(skips, index, 'stash');
      const back: ReturnType<Stage['backward']> = this.#split
        ? stage.backwardInput(m, dy!, stashes)
        : stage.backward(m, dy!, stashes);
      for (const [name, skip] of back.skips) skips.set(name, skip);
      dy = back.input;
    }
    return dy;
  }

  /** The skips that a stage's cells pop (or whose gradients they want) and that come from another stage. */
  #take(skips: Map<string, Tensor>, index: number, end: 'pop' | 'stash'): Map<string, Tensor> {
    const names = cells.slice(...cuts[index]!).flatMap((cell) => cell[end] ?? []);
    const taken = new Map([...skips].filter(([name]) => names.includes(name)));
    for (const name of taken.keys()) skips.delete(name);
    return taken;
  }

  /** What a split backward pass still owes. */
  #payOff(): void {
    if (!this.#split) return;
    for (let m = 0; m < microBatches; m++) for (const stage of this.stages) stage.backwardWeights(m);
  }

  endMiniBatch(): void {
    this.#payOff();
    for (const [index, [start, end]] of cuts.entries())
      for (const { layers } of cells.slice(start, end))
        endMiniBatch({ engine, parameters: this.stores[index]! }, layers);
  }

  dispose(): void {
    for (const stage of this.stages) stage.dispose();
    for (const store of this.stores) store.dispose();
  }
}

const draws = (m: number): string[] => [`${m} 0`, `${m} 1`];

/** One process that keeps everything. */
function reference(batchNorm: Settings['batchNorm']): { outputs: Float32Array[]; numbers: Map<string, Float32Array> } {
  const parameters = storeOf(cells);
  const outputs: Float32Array[] = [];
  for (let m = 0; m < microBatches; m++) {
    const pass: Pass = {
      engine,
      parameters,
      mode: 'train',
      recomputing: false,
      batchNorm,
      keep: true,
      draws: draws(m),
    };
    const x = image(m);
    const { output, saved } = forwardCells(pass, cells, x);
    x.dispose();
    outputs.push(engine.read(output).slice() as Float32Array);
    output.dispose();
    backwardCells(pass, cells, saved, gradient(m));
  }
  for (const { layers } of cells) endMiniBatch({ engine, parameters }, layers);
  const numbers = numbersOf([parameters]);
  parameters.dispose();
  return { outputs, numbers };
}

const settings = (['always', 'except_last', 'never'] as const).flatMap((recompute) =>
  (['micro', 'deferred'] as const).flatMap((batchNorm) =>
    [false, true].map((split) => ({ recompute, batchNorm, split })),
  ),
);

describe.each(settings)('stages with recompute $recompute, batch norm $batchNorm, split $split', (options) => {
  it('do together what one process does: outputs, gradients, and running statistics updated once', () => {
    const expected = reference(options.batchNorm);
    const chain = new Chain(options);
    for (let m = 0; m < microBatches; m++) {
      const output = chain.forward(m, image(m));
      expect(engine.read(output)).toEqual(expected.outputs[m]);
      output.dispose();
    }
    for (let m = 0; m < microBatches; m++) expect(chain.backward(m, gradient(m))).toBeUndefined();
    chain.endMiniBatch();
    const numbers = numbersOf(chain.stores);
    expect([...numbers.keys()].toSorted()).toEqual([...expected.numbers.keys()].toSorted());
    for (const [name, values] of expected.numbers) {
      const scale = Math.max(...values.map(Math.abs), 1e-6);
      const worst = Math.max(...values.map((value, i) => Math.abs(value - numbers.get(name)![i]!)));
      expect(worst / scale, name).toBeLessThan(1e-3);
    }
    chain.dispose();
  });

  it('hold nothing after a mini-batch but the gradients', () => {
    const before = engine.memory();
    const chain = new Chain(options);
    const empty = engine.memory();
    for (let m = 0; m < microBatches; m++) chain.forward(m, image(m)).dispose();
    for (let m = microBatches - 1; m >= 0; m--) chain.backward(m, gradient(m));
    chain.endMiniBatch();
    for (const store of chain.stores) store.clearGradients();
    expect(engine.memory()).toEqual(empty);
    chain.dispose();
    expect(engine.memory()).toEqual(before);
  });

  it('let go of what is in flight when the run ends in the middle', () => {
    const before = engine.memory();
    const chain = new Chain(options);
    for (let m = 0; m < microBatches; m++) chain.forward(m, image(m)).dispose();
    chain.backward(0, gradient(0));
    chain.dispose();
    expect(engine.memory()).toEqual(before);
  });
});

it('the less is kept, the less a stage holds between the two passes', () => {
  const heldUnder = (recompute: Settings['recompute']): number => {
    const chain = new Chain({ recompute, batchNorm: 'micro', split: false });
    const before = engine.memory().bytes;
    for (let m = 0; m < microBatches; m++) chain.forward(m, image(m)).dispose();
    const held = engine.memory().bytes - before;
    chain.dispose();
    return held;
  };
  const [always, exceptLast, never] = [heldUnder('always'), heldUnder('except_last'), heldUnder('never')];
  expect(always).toBeLessThan(exceptLast);
  expect(exceptLast).toBeLessThan(never);
});

it('evaluation holds nothing and changes nothing', () => {
  const chain = new Chain({ recompute: 'never', batchNorm: 'micro', split: false });
  const before = engine.memory();
  const evaluate = (): Float32Array => {
    const { output, stashes } = chain.stages[0]!.evaluate(image(0), new Map());
    const values = engine.read(output).slice() as Float32Array;
    for (const tensor of [output, ...stashes.values()]) tensor.dispose();
    return values;
  };
  expect(evaluate()).toEqual(evaluate());
  expect(engine.memory()).toEqual(before);
  chain.dispose();
});

it('a backward pass without its forward pass is an error', () => {
  const chain = new Chain({ recompute: 'never', batchNorm: 'micro', split: false });
  const dy = gradient(0);
  expect(() => chain.backward(0, dy)).toThrow('backward of micro-batch 0 without a forward');
  dy.dispose();
  chain.dispose();
});
