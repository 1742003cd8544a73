import type { Engine } from '../../src/engine/engine.ts';
import { sizeOf, type Shape, type Tensor } from '../../src/engine/tensor.ts';
import type { Layer, Pass } from '../../src/layers/layer.ts';
import { ParameterStore } from '../../src/layers/parameterStore.ts';
import { RandomStream } from '../../src/random/stream.ts';

export type Values = 'normal' | 'distinct';

/** Values that depend on their name alone. `distinct`: ± 0.1, 0.2, … in random order. */
export function draw(name: string, shape: Shape, values: Values = 'normal'): Float32Array {
  const stream = new RandomStream('tests', name);
  const out = new Float32Array(sizeOf(shape));
  if (values === 'normal') return stream.fillNormal(out, 1);
  const steps = stream.shuffle([...out.keys()]);
  return out.map((_, i) => (steps[i]! % 2 === 0 ? 0.1 : -0.1) * (steps[i]! + 1));
}

/** The parameters of a layer, all of them drawn: no zero bias hides a fault. Variances are above 0. */
export function fillStore(engine: Engine, layers: readonly Layer[]): ParameterStore {
  const store = new ParameterStore(engine);
  for (const spec of layers.flatMap((layer) => layer.parameters)) {
    const values = draw(spec.name, spec.shape).map((x) => (spec.name.endsWith('running_var') ? 0.5 + Math.abs(x) : x));
    const tensor = engine.tensor(values, spec.shape);
    store.add(spec, tensor);
    tensor.dispose();
  }
  return store;
}

/** The parameters of layers that start with constants, as they start. */
export function initialStore(engine: Engine, layers: readonly Layer[]): ParameterStore {
  const store = new ParameterStore(engine);
  for (const spec of layers.flatMap((layer) => layer.parameters)) {
    const value = spec.initializer.kind === 'constant' ? spec.initializer.value : 0;
    const tensor = engine.tensor(new Float32Array(sizeOf(spec.shape)).fill(value), spec.shape);
    store.add(spec, tensor);
    tensor.dispose();
  }
  return store;
}

export const passOf = (engine: Engine, parameters: ParameterStore, changes: Partial<Pass> = {}): Pass => ({
  engine,
  parameters,
  mode: 'train',
  recomputing: false,
  batchNorm: 'micro',
  keep: true,
  draws: [],
  ...changes,
});

/** Reads a tensor and disposes it. */
export function valuesOf(engine: Engine, tensor: Tensor): number[] {
  const values = Array.from(engine.read(tensor));
  tensor.dispose();
  return values;
}

/** The value of a parameter or buffer. */
export const parameterValues = (engine: Engine, store: ParameterStore, name: string): number[] =>
  valuesOf(engine, store.read(name));

/** The gradients gathered so far, by name; the store keeps them. */
export const gradientsOf = (engine: Engine, store: ParameterStore): Record<string, number[]> =>
  Object.fromEntries(
    store.trainable().map(({ spec, gradient }) => [spec.name, gradient ? Array.from(engine.read(gradient)) : []]),
  );

/** The largest difference relative to the largest value: what decides whether two gradients are the same. */
export function relativeError(got: readonly number[], expected: readonly number[]): number {
  if (got.length !== expected.length) return Infinity;
  const largest = Math.max(1e-3, ...expected.map(Math.abs));
  return Math.max(0, ...got.map((value, i) => Math.abs(value - expected[i]!))) / largest;
}
