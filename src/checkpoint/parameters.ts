import type { Engine } from '../engine/engine.ts';
import type { Shape, Tensor } from '../engine/tensor.ts';
import type { Parameter, ParameterSpec } from '../layers/parameter.ts';
import type { ParameterStore } from '../layers/parameterStore.ts';
import { fromPytorch, pytorchShape, toPytorch } from './pytorchLayout.ts';
import type { HostTensor, SafetensorsFile } from './safetensors.ts';

/** Parameters that a file does not hold as the network needs them: every fault at once. */
export class ParameterLoadError extends Error {
  override readonly name = 'ParameterLoadError';
  readonly file: string;
  readonly faults: readonly string[];

  constructor(file: string, faults: readonly string[]) {
    const listed = faults.slice(0, 10).map((fault) => `\n  ${fault}`);
    const rest = faults.length > 10 ? `\n  and ${faults.length - 10} more` : '';
    super(
      `${file} does not fit the network:${listed.join('')}${rest}\nIs the model in the run file (n_feat, depth, channels, norm) the one that was saved?`,
    );
    this.file = file;
    this.faults = faults;
  }
}

/**
 * Loads the named parameters and buffers from a file in PyTorch's layout into the store: those that it holds already are
 * overwritten, others are added. Every spec is checked before the first value is read. `prefix` stands before each name in
 * the file.
 */
export const loadParameters = async (
  engine: Engine,
  store: ParameterStore,
  specs: readonly ParameterSpec[],
  file: SafetensorsFile,
  prefix = '',
): Promise<void> => {
  const faults = specs.flatMap((spec) => faultOf(spec, file, prefix));
  if (faults.length > 0) throw new ParameterLoadError(file.path, faults);
  const held = new Set(store.all().map((parameter) => parameter.spec.name));
  for (const spec of specs) {
    const stored = await file.read(prefix + spec.name);
    const value = tensorFromPytorch(
      engine,
      spec,
      stored.values instanceof Float32Array ? stored.values : Float32Array.from(stored.values as Float64Array),
    );
    if (held.has(spec.name)) store.variable(spec.name).assign(value);
    else store.add(spec, value);
    value.dispose();
  }
};

/** Every parameter and buffer on the host, by name, in PyTorch's layout. */
export const dumpParameters = (engine: Engine, store: ParameterStore): Map<string, HostTensor> =>
  new Map(
    store.all().map((parameter) => {
      const value = parameter.value.read();
      const dumped = tensorToPytorch(engine, parameter.spec, value);
      value.dispose();
      return [parameter.spec.name, dumped];
    }),
  );

/** The gradients gathered so far on the host, by parameter name, in PyTorch's layout. */
export const dumpGradients = (engine: Engine, store: ParameterStore): Map<string, HostTensor> =>
  new Map(
    store
      .trainable()
      .filter((parameter): parameter is Parameter & { gradient: Tensor } => parameter.gradient !== undefined)
      .map((parameter) => [parameter.spec.name, tensorToPytorch(engine, parameter.spec, parameter.gradient)]),
  );

/** A tensor in our layout from values in PyTorch's. */
export const tensorFromPytorch = (engine: Engine, spec: ParameterSpec, values: Float32Array): Tensor =>
  engine.tensor(fromPytorch(spec.layout, spec.shape, values), spec.shape);

/** The values on the host, in PyTorch's layout, of a tensor that lies as the parameter does (its value, gradient or moment). */
export const tensorToPytorch = (engine: Engine, spec: ParameterSpec, tensor: Tensor): HostTensor => ({
  shape: pytorchShape(spec.layout, spec.shape),
  values: toPytorch(spec.layout, spec.shape, engine.read(tensor) as Float32Array),
});

const FLOATS = ['F64', 'F32', 'F16', 'BF16'];

const faultOf = (spec: ParameterSpec, file: SafetensorsFile, prefix: string): string[] => {
  const name = prefix + spec.name;
  const entry = file.entries.get(name);
  const wanted = pytorchShape(spec.layout, spec.shape);
  if (!entry) return [`${name} ${text(wanted)} is missing`];
  if (!FLOATS.includes(entry.dtype)) return [`${name} has dtype ${entry.dtype}, expected F32`];
  const same = entry.shape.length === wanted.length && entry.shape.every((size, axis) => size === wanted[axis]);
  return same ? [] : [`${name} has shape ${text(entry.shape)}, expected ${text(wanted)}`];
};

const text = (shape: Shape): string => `[${shape.join(', ')}]`;
