import type { Engine } from '../engine/engine.ts';
import { sizeOf, type Tensor } from '../engine/tensor.ts';
import type { ParameterSpec } from '../layers/parameter.ts';
import type { ParameterStore } from '../layers/parameterStore.ts';
import { RandomStream } from '../random/stream.ts';

/**
 * The first values of a parameter, in our layout. They follow from the seed and the parameter's name only, and so are the same
 * in every partition.
 */
export const initialValues = (spec: ParameterSpec, seed: number): Float32Array => {
  const values = new Float32Array(sizeOf(spec.shape));
  const { initializer } = spec;
  const stream = new RandomStream(seed, 'parameter', spec.name);
  switch (initializer.kind) {
    case 'he':
      return stream.fillNormal(values, Math.sqrt(2 / initializer.fanIn));
    case 'constant':
      return values.fill(initializer.value);
    case 'uniform':
      return stream.fillUniform(values, -initializer.bound, initializer.bound);
  }
};

/** The first values as a tensor of the caller's. */
export const initialTensor = (engine: Engine, spec: ParameterSpec, seed: number): Tensor =>
  engine.tensor(initialValues(spec, seed), spec.shape);

/** Adds the parameters and buffers to the store with their first values. */
export const initializeParameters = (
  engine: Engine,
  store: ParameterStore,
  specs: readonly ParameterSpec[],
  seed: number,
): void => {
  for (const spec of specs) {
    const value = initialTensor(engine, spec, seed);
    store.add(spec, value);
    value.dispose();
  }
};
