import type { Engine } from '../engine/engine.ts';
import { sizeOf } from '../engine/tensor.ts';
import type { ParameterSpec } from '../layers/parameter.ts';
import type { ParameterStore } from '../layers/parameterStore.ts';
import { RandomStream } from '../random/stream.ts';

/**
 * The first values of a parameter, in our layout. They follow from the seed and the parameter's name only, and so are the same
 * in every partition.
 */
export const initialValues = (
  spec: ParameterSpec,
  seed: number,
  values = new Float32Array(sizeOf(spec.shape)),
): Float32Array => {
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

/**
 * Adds the parameters and buffers to the store with their first values. All are drawn into one array of the host: one for each
 * would be garbage that lies between the parameters, in memory as large as theirs, until it is collected.
 */
export const initializeParameters = (
  engine: Engine,
  store: ParameterStore,
  specs: readonly ParameterSpec[],
  seed: number,
): void => {
  const sizes = specs.map(({ shape }) => sizeOf(shape));
  const drawn = new Float32Array(Math.max(0, ...sizes));
  for (const [index, spec] of specs.entries()) {
    const value = engine.tensor(initialValues(spec, seed, drawn.subarray(0, sizes[index])), spec.shape);
    store.add(spec, value);
    value.dispose();
  }
};
