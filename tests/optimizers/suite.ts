import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { optimizerSchema } from '../../src/config/schema/optimizer.ts';
import type { OptimizerSpec } from '../../src/config/runFile.ts';
import type { Engine, EngineName } from '../../src/engine/engine.ts';
import { startEngine } from '../../src/engine/index.ts';
import type { ParameterSpec } from '../../src/layers/parameter.ts';
import { ParameterStore } from '../../src/layers/parameterStore.ts';
import { clipFactor, scaleGradients, squaredGradientNorm } from '../../src/optimizers/clipping.ts';
import { optimizerFromSpec } from '../../src/optimizers/index.ts';
import type { Optimizer } from '../../src/optimizers/optimizer.ts';
import { referenceRun } from './reference.ts';

const START = [0.5, -1.25, 2, 0];
const GRADIENTS = [
  [0.1, -0.2, 0.3, 1],
  [-0.05, 0.4, 0.3, -2],
  [1, 0.001, -0.7, 0.5],
];

/** After three steps from START with GRADIENTS: PyTorch 2.13 in float64. */
const PYTORCH: [OptimizerSpec, number[]][] = [
  [
    optimizerSchema.parse({ name: 'sgd', lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01 }),
    [0.285227312, -1.279827549, 1.932876837, 0.103407114],
  ],
  [
    optimizerSchema.parse({ name: 'rmsprop', lr: 0.01, alpha: 0.9, eps: 1e-3, weight_decay: 0.05 }),
    [0.444561287, -1.239294383, 1.969666855, -0.010295528],
  ],
  [
    optimizerSchema.parse({ name: 'adam', lr: 0.01, weight_decay: 0.1 }),
    [0.476297852, -1.237726502, 1.977403746, -0.004966356],
  ],
  [optimizerSchema.parse({ name: 'adamw', lr: 0.01 }), [0.48061171, -1.246131983, 1.980862768, -0.004970424]],
];

const specOf = (name: string, length: number): ParameterSpec => ({
  name,
  shape: [length],
  layout: 'vector',
  initializer: { kind: 'constant', value: 0 },
  role: 'parameter',
});

const specs: fc.Arbitrary<OptimizerSpec> = fc
  .record({
    name: fc.constantFrom('sgd', 'sgd momentum', 'sgd nesterov', 'rmsprop', 'adam', 'adamw'),
    decay: fc.constantFrom(0, 0.01, 0.3),
    eps: fc.constantFrom(1e-8, 1e-4),
  })
  .map(({ name, decay, eps }) => {
    const [kind, variant] = name.split(' ');
    const rest = kind === 'sgd' ? { momentum: variant ? 0.8 : 0, nesterov: variant === 'nesterov' } : { eps };
    return optimizerSchema.parse({ name: kind, lr: 0.02, weight_decay: decay, ...rest });
  });

/** The same tests for each engine. */
export const checkOptimizersOn = (name: EngineName) =>
  describe(`optimizers on ${name}`, () => {
    let engine: Engine;
    let atStart: ReturnType<Engine['memory']>;
    beforeAll(async () => {
      engine = await startEngine({ name });
      atStart = engine.memory();
    });
    afterAll(() => expect(engine.memory()).toEqual(atStart));

    const storeOf = (values: Readonly<Record<string, readonly number[]>>): ParameterStore => {
      const store = new ParameterStore(engine);
      for (const [parameter, start] of Object.entries(values)) {
        const initial = engine.tensor(Float32Array.from(start), [start.length]);
        store.add(specOf(parameter, start.length), initial);
        initial.dispose();
      }
      return store;
    };

    const step = (
      store: ParameterStore,
      optimizer: Optimizer,
      parameter: string,
      gradient: readonly number[],
      rate: number,
    ): void => {
      store.accumulate(parameter, engine.tensor(Float32Array.from(gradient), [gradient.length]));
      optimizer.step(store.trainable(), rate);
      store.clearGradients();
    };

    const valuesOf = (store: ParameterStore, parameter: string): number[] => {
      const value = store.read(parameter);
      const values = [...engine.read(value)];
      value.dispose();
      return values;
    };

    const expectClose = (actual: readonly number[], expected: readonly number[], tolerance: number): void =>
      actual.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(tolerance));

    test.each(PYTORCH)('$name gives what PyTorch gives', (spec, expected) => {
      const store = storeOf({ p: START });
      const optimizer = optimizerFromSpec(engine, spec);
      for (const gradient of GRADIENTS) step(store, optimizer, 'p', gradient, spec.lr);
      expectClose(valuesOf(store, 'p'), expected, 1e-5);
      expectClose(
        referenceRun(spec, START, GRADIENTS, () => spec.lr),
        expected,
        1e-8,
      );
      optimizer.dispose();
      store.dispose();
    });

    test('every optimizer follows its formula in float64 over several steps of changing rates', () => {
      const value = fc.double({ min: -2, max: 2, noNaN: true });
      const run = fc.integer({ min: 1, max: 5 }).chain((size) => {
        const array = fc.array(value, { minLength: size, maxLength: size });
        return fc.record({ spec: specs, start: array, gradients: fc.array(array, { minLength: 1, maxLength: 6 }) });
      });
      fc.assert(
        fc.property(run, ({ spec, start, gradients }) => {
          // Where g/(√v + ε) divides two tiny numbers, float32 and float64 part: keep gradients off them.
          const steep = gradients.map((array) => array.map((g) => Math.fround(g + Math.sign(g || 1) * 0.05)));
          const rate = (index: number): number => spec.lr / (1 + index);
          const store = storeOf({ p: start });
          const optimizer = optimizerFromSpec(engine, spec);
          steep.forEach((gradient, index) => step(store, optimizer, 'p', gradient, rate(index)));
          const reference = referenceRun(spec, start.map(Math.fround), steep, rate);
          expectClose(valuesOf(store, 'p'), reference, 3e-5);
          optimizer.dispose();
          store.dispose();
        }),
        { numRuns: 60, seed: 11 },
      );
    });

    test('a parameter without a gradient is left alone', () => {
      const store = storeOf({ used: [1], unused: [2] });
      const optimizer = optimizerFromSpec(engine, PYTORCH[3]![0]);
      step(store, optimizer, 'used', [1], 0.1);
      expect(valuesOf(store, 'unused')).toEqual([2]);
      expect(valuesOf(store, 'used')[0]).toBeLessThan(1);
      optimizer.dispose();
      store.dispose();
    });

    test.each(PYTORCH)('$name goes on from its saved state bit for bit', (spec) => {
      const [whole, first, second] = [storeOf({ p: START }), storeOf({ p: START }), storeOf({ p: START })];
      const optimizers = [whole, first, second].map(() => optimizerFromSpec(engine, spec));
      for (const gradient of GRADIENTS) step(whole, optimizers[0]!, 'p', gradient, spec.lr);
      for (const gradient of GRADIENTS.slice(0, 2)) step(first, optimizers[1]!, 'p', gradient, spec.lr);
      const { steps, slots } = optimizers[1]!.state();
      expect(slots.map(({ slot }) => slot)).toEqual(optimizers[1]!.slotNames());
      const half = first.read('p');
      second.variable('p').assign(half);
      half.dispose();
      optimizers[2]!.restore(second.trainable(), steps, (slot, parameter) =>
        slots.find((entry) => entry.slot === slot && entry.parameter.name === parameter)!.variable.read(),
      );
      step(second, optimizers[2]!, 'p', GRADIENTS[2]!, spec.lr);
      expect(valuesOf(second, 'p')).toEqual(valuesOf(whole, 'p'));
      [whole, first, second, ...optimizers].forEach((owned) => owned.dispose());
    });

    test('steps leave no tensors behind', () => {
      for (const [spec] of PYTORCH) {
        const store = storeOf({ p: START });
        const optimizer = optimizerFromSpec(engine, spec);
        step(store, optimizer, 'p', GRADIENTS[0]!, spec.lr);
        const before = engine.memory();
        step(store, optimizer, 'p', GRADIENTS[1]!, spec.lr);
        expect(engine.memory()).toEqual(before);
        optimizer.dispose();
        store.dispose();
      }
    });

    test('gradients are clipped by their global norm', () => {
      const store = storeOf({ a: [0, 0], b: [0] });
      store.accumulate('a', engine.tensor(Float32Array.of(3, 0), [2]));
      store.accumulate('b', engine.tensor(Float32Array.of(4), [1]));
      const square = squaredGradientNorm(engine, store.trainable());
      expect(square).toBeCloseTo(25, 5);
      scaleGradients(engine, store.trainable(), clipFactor(Math.sqrt(square), 1));
      expectClose(
        [...engine.read(store.get('a').gradient!), ...engine.read(store.get('b').gradient!)],
        [0.6, 0, 0.8],
        1e-6,
      );
      store.clearGradients();
      expect(squaredGradientNorm(engine, store.trainable())).toBe(0);
      store.dispose();
    });
  });
