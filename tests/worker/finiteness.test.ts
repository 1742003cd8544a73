import * as fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import { ParameterStore } from '../../src/layers/parameterStore.ts';
import { parameterSpecs } from '../../src/models/describe.ts';
import { buildModel } from '../../src/models/index.ts';
import { initializeParameters } from '../../src/models/initialize.ts';
import type { FoundNotFinite } from '../../src/transport/protocol.ts';
import { BuffersBefore } from '../../src/worker/buffersBefore.ts';
import { Finiteness, firstOf } from '../../src/worker/finiteness.ts';
import { Stage } from '../../src/worker/stage.ts';
import { randomArray, toTensor } from '../support/arrays.ts';
import { smallModel } from '../support/replay.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ name: 'auto' });
});

const { cells } = buildModel(smallModel());

function stageOf(): { stage: Stage; parameters: ParameterStore; finiteness: Finiteness } {
  const parameters = new ParameterStore(engine);
  initializeParameters(engine, parameters, parameterSpecs(cells), 5);
  const stage = new Stage({ engine, cells, parameters, recompute: 'never', batchNorm: 'micro', first: true });
  return { stage, parameters, finiteness: new Finiteness(engine, parameters, new Map([[0, stage]])) };
}

/** Forward and back through all cells, the gradient of the output being so many times what a loss would give. */
function pass({ stage, finiteness }: ReturnType<typeof stageOf>, scale: number): void {
  const check = finiteness.ofStage(0, 0);
  const image = toTensor(engine, randomArray([1, 8, 8, 1], 1));
  const { output } = stage.forward(0, 1, image, new Map(), ['a'], check);
  const gradient = toTensor(engine, randomArray([...output.shape], 2));
  output.dispose();
  const scaled = engine.math.mul(gradient, scale);
  gradient.dispose();
  stage.backward(0, scaled, new Map(), check);
}

it('what is finite is passed over, and nothing of it is kept', () => {
  const parts = stageOf();
  const before = engine.memory().tensors;
  parts.finiteness.parameters();
  pass(parts, 1);
  expect(parts.finiteness.first).toBeUndefined();
  parts.parameters.clearGradients();
  expect(engine.memory().tensors).toBe(before);
  parts.stage.dispose();
  parts.parameters.dispose();
});

it.each([
  [3e38, /^(backward|weights)$/],
  // Every gradient is finite, and its square is not.
  [1e25, /^weights$/],
])('a gradient of %d is found where it goes back through the last cells', (scale, found) => {
  const parts = stageOf();
  pass(parts, scale);
  const { first } = parts.finiteness;
  expect(first?.pass).toMatch(found);
  expect(first!.index).toBe(cells.length - 1);
  parts.stage.dispose();
  parts.parameters.dispose();
});

it('a parameter that is NaN comes before all that follows from it', () => {
  const parts = stageOf();
  const { name, shape } = parameterSpecs(cells).filter(({ role }) => role === 'parameter')[4]!;
  const poison = engine.math.fill([...shape], Number.NaN);
  parts.parameters.variable(name).assign(poison);
  poison.dispose();
  pass(parts, 1);
  expect(parts.finiteness.first).toMatchObject({ pass: 'forward' });
  parts.finiteness.parameters();
  expect(parts.finiteness.first).toMatchObject({ pass: 'parameter', tensor: name, value: Number.NaN });
  parts.stage.dispose();
  parts.parameters.dispose();
});

it('running statistics are those of the last update again, bit for bit, however many steps there were', () => {
  const parts = stageOf();
  const buffers = parts.parameters.all().filter(({ spec }) => spec.role === 'buffer');
  const values = (): Float32Array[] =>
    buffers.map(({ value }) => {
      const tensor = value.read();
      const copy = Float32Array.from(engine.read(tensor));
      tensor.dispose();
      return copy;
    });
  const [before, kept] = [values(), new BuffersBefore()];
  const tensors = engine.memory().tensors;
  for (let step = 0; step < 2; step++) {
    kept.begin(parts.parameters);
    pass(parts, 1);
  }
  expect(values()).not.toEqual(before);
  kept.restore(parts.parameters);
  parts.parameters.clearGradients();
  expect(values()).toEqual(before);
  expect(engine.memory().tensors).toBe(tensors);
  parts.stage.dispose();
  parts.parameters.dispose();
});

it('the first of several is the same in whatever order and from however many workers they come', () => {
  const found = fc.record({
    pass: fc.constantFrom<FoundNotFinite['pass'][]>('parameter', 'input', 'forward', 'loss', 'backward', 'weights'),
    stage: fc.nat(2),
    index: fc.nat(2),
    microBatch: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(found, { minLength: 1, maxLength: 8 }), fc.nat(8), (places, cut) => {
      const all = places.map((place) => ({ ...place, cell: 'cell', tensor: 'output', value: Number.NaN }));
      const whole = firstOf(all);
      expect(firstOf(all.toReversed())).toEqual(whole);
      const parts = [all.slice(0, cut), all.slice(cut)].flatMap((part) => firstOf(part) ?? []);
      expect(firstOf(parts)).toEqual(whole);
    }),
  );
});
