import { describe, expect, test } from 'vitest';
import type { Engine, Variable } from '../../../src/engine/engine.ts';
import { expectClose, expectNoLeak, randomArray, toTensor } from '../../support/arrays.ts';
import type { NdArray } from '../../support/naive.ts';

const SHAPE = [3, 2, 4];
const STEPS = 4;

export function variableTests(engine: () => Engine): void {
  const variableOf = (array: NdArray): Variable => {
    const initial = toTensor(engine(), array);
    const variable = engine().variable(initial);
    initial.dispose();
    return variable;
  };
  const zero = (): NdArray => ({ shape: SHAPE, values: new Float64Array(24) });
  /** Applies an update a few times with new gradients, in the engine and in float64, and compares all variables. */
  const expectUpdates = (
    states: number,
    apply: (variables: readonly Variable[], gradient: ReturnType<typeof toTensor>, step: number) => void,
    reference: (at: Float64Array[], gradient: number, i: number, step: number) => void,
  ) => {
    expectNoLeak(engine(), () => {
      const arrays = [randomArray(SHAPE, 1), ...Array.from({ length: states }, zero)];
      const variables = arrays.map(variableOf);
      const values = arrays.map((array) => array.values);
      for (let step = 1; step <= STEPS; step++) {
        const gradient = randomArray(SHAPE, 10 + step);
        const tensor = toTensor(engine(), gradient);
        apply(variables, tensor, step);
        tensor.dispose();
        for (let i = 0; i < 24; i++) reference(values, gradient.values[i]!, i, step);
      }
      for (const [k, variable] of variables.entries()) expectClose(engine(), variable.read(), arrays[k]!, 1e-5);
      for (const variable of variables) variable.dispose();
    });
  };

  describe('a variable', () => {
    test('starts with a copy that later updates leave alone', () => {
      expectNoLeak(engine(), () => {
        const host = new Float32Array(1024).fill(1);
        const initial = engine().tensor(host, [1024]);
        const variable = engine().variable(initial);
        const ones = engine().math.ones([1024]);
        engine().updates.descend(variable, ones, 0.5);
        expect(engine().read(initial)[0]).toBe(1);
        expect(host[0]).toBe(1);
        host.fill(7);
        const now = variable.read();
        expect(engine().read(now)[0]).toBe(0.5);
        for (const tensor of [initial, ones, now]) tensor.dispose();
        variable.dispose();
      });
    });

    test('is updated at a new rate every step, for however many steps', () => {
      const [p, m, v] = [zero(), zero(), zero()].map(variableOf) as [Variable, Variable, Variable];
      const gradient = engine().math.ones(SHAPE);
      for (let step = 1; step <= 200; step++) {
        const powers = { beta1Power: 0.9 ** step, beta2Power: 0.99 ** step };
        engine().updates.adam(p, m, v, gradient, { rate: 1 / step, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, ...powers });
      }
      const now = p.read();
      // With a constant gradient every step of Adam is its rate: the harmonic number H(200).
      expect(-engine().read(now)[0]!).toBeCloseTo(5.878, 2);
      for (const tensor of [now, gradient, p, m, v]) tensor.dispose();
    });

    test('keeps its value in a handle that is held over an update', () => {
      const variable = variableOf(randomArray([8], 1));
      const ones = engine().math.ones([8]);
      const before = variable.read();
      const values = [...engine().read(before)];
      engine().updates.descend(variable, ones, 1);
      expect([...engine().read(before)]).toEqual(values);
      for (const tensor of [before, ones]) tensor.dispose();
      variable.dispose();
    });

    test('is assigned a copy, of its own shape only', () => {
      expectNoLeak(engine(), () => {
        const variable = variableOf(zero());
        const value = toTensor(engine(), randomArray(SHAPE, 3));
        variable.assign(value);
        value.dispose();
        expectClose(engine(), variable.read(), randomArray(SHAPE, 3));
        const wrong = engine().math.ones([5]);
        expect(() => variable.assign(wrong)).toThrow(/shape|Shape/);
        wrong.dispose();
        variable.dispose();
      });
    });

    test('counts in the memory until it is disposed, and outlives tidy', () => {
      const before = engine().memory();
      const variable = engine().tidy(() => {
        const made = engine().variable(engine().math.ones([100]));
        return { made };
      }).made;
      expect(engine().memory().bytes).toBe(before.bytes + 400);
      variable.dispose();
      variable.dispose();
      expect(engine().memory()).toEqual(before);
      expect(() => variable.read()).toThrow(/disposed/);
    });
  });

  describe('updates in place', () => {
    test.each([false, true])('momentum, Nesterov %s', (nesterov) => {
      expectUpdates(
        1,
        ([p, v], g) => engine().updates.momentum(p!, v!, g, { rate: 0.1, momentum: 0.9, nesterov }),
        ([p, v], g, i) => {
          v![i] = 0.9 * v![i]! + g;
          p![i]! -= 0.1 * (nesterov ? g + 0.9 * v![i] : v![i]);
        },
      );
    });

    test('Adam', () => {
      const options = { rate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-6 };
      const powers = (step: number) => ({ beta1Power: 0.9 ** step, beta2Power: 0.99 ** step });
      expectUpdates(
        2,
        ([p, m, v], g, step) => engine().updates.adam(p!, m!, v!, g, { ...options, ...powers(step) }),
        ([p, m, v], g, i, step) => {
          m![i] = 0.9 * m![i]! + 0.1 * g;
          v![i] = 0.99 * v![i]! + 0.01 * g * g;
          const rate = (0.01 * Math.sqrt(1 - 0.99 ** step)) / (1 - 0.9 ** step);
          p![i]! -= (rate * m![i]) / (Math.sqrt(v![i]) + 1e-6);
        },
      );
    });

    test("PyTorch's RMSprop as Adam without a first moment", () => {
      const options = { rate: 0.01, beta1: 0, beta2: 0.9, beta1Power: 0, beta2Power: 0, epsilon: 1e-8 };
      expectUpdates(
        2,
        ([p, m, v], g) => engine().updates.adam(p!, m!, v!, g, options),
        ([p, m, v], g, i) => {
          m![i] = g;
          v![i] = 0.9 * v![i]! + 0.1 * g * g;
          p![i]! -= (0.01 * g) / (Math.sqrt(v![i]) + 1e-8);
        },
      );
    });

    test("PyTorch's RMSprop with its own kernel", () => {
      expectUpdates(
        1,
        ([p, v], g) => engine().updates.rmsprop(p!, v!, g, { rate: 0.01, alpha: 0.9, epsilon: 1e-8 }),
        ([p, v], g, i) => {
          v![i] = 0.9 * v![i]! + 0.1 * g * g;
          p![i]! -= (0.01 * g) / (Math.sqrt(v![i]) + 1e-8);
        },
      );
    });

    test('descent and scaling', () => {
      expectUpdates(
        0,
        ([p], g) => {
          engine().updates.descend(p!, g, 0.3);
          engine().updates.scale(p!, 0.9);
        },
        ([p], g, i) => {
          p![i] = 0.9 * (p![i]! - 0.3 * g);
        },
      );
    });
  });
}
