import { describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { expectNoLeak } from '../../support/arrays.ts';

export function memoryTests(engine: () => Engine): void {
  describe('tensors', () => {
    test.each([
      ['float32', Float32Array.of(1.5, -2, 3)],
      ['int32', Int32Array.of(1, -2, 3)],
      ['int32', Uint8Array.of(1, 2, 255)],
    ])('hold %s values and give them back', (dtype, values) => {
      expectNoLeak(engine(), () => {
        const tensor = engine().tensor(values, [3, 1]);
        expect(tensor.dtype).toBe(dtype);
        expect(tensor.shape).toEqual([3, 1]);
        expect([...engine().read(tensor)]).toEqual([...values]);
        tensor.dispose();
      });
    });

    test('are shared by handles that are disposed one by one', () => {
      expectNoLeak(engine(), () => {
        const tensor = engine().tensor(Float32Array.of(4), [1]);
        const other = engine().share(tensor);
        tensor.dispose();
        expect([...engine().read(other)]).toEqual([4]);
        other.dispose();
      });
    });

    test('made by kernels inside tidy go, but for the result and what is kept', () => {
      expectNoLeak(engine(), () => {
        let kept: ReturnType<Engine['keep']> | undefined;
        const result = engine().tidy(() => {
          const x = engine().math.ones([1, 2, 2, 2, 1]);
          kept = engine().keep(engine().leakyRelu(x, 0.1));
          return engine().leakyRelu(kept, 0.1);
        });
        expect([...engine().read(result)]).toEqual(Array(8).fill(1));
        expect([...engine().read(kept!)]).toEqual(Array(8).fill(1));
        result.dispose();
        kept!.dispose();
      });
    });

    test('count once at their peak, however many handles they have and when they went', () => {
      const start = engine().takePeak();
      const tensor = engine().math.zeros([1000]);
      const other = engine().share(tensor);
      for (const each of [tensor, other]) each.dispose();
      const small = engine().math.zeros([10]);
      const variable = engine().variable(small);
      const peak = engine().takePeak();
      expect(peak - engine().takePeak()).toBeGreaterThanOrEqual(3900);
      expect(peak - start).toBeLessThan(8000);
      const read = variable.read();
      expect(engine().takePeak() - engine().takePeak()).toBeLessThan(40);
      for (const each of [read, small]) each.dispose();
      variable.dispose();
    });

    test('count with their bytes', () => {
      const before = engine().memory();
      const tensor = engine().math.add(engine().math.zeros([10]), 1);
      expect(engine().memory().bytes).toBeGreaterThanOrEqual(before.bytes + 40);
      expect(engine().memory().tensors).toBeGreaterThan(before.tensors);
      tensor.dispose();
    });
  });
}
