import type { Engine } from '../engine/engine.ts';
import type { Shape, Tensor } from '../engine/tensor.ts';
import type { Parameter, ParameterSpec } from '../layers/parameter.ts';
import type { ParameterStore } from '../layers/parameterStore.ts';
import { matchNames } from './parameterNames.ts';
import { fromPytorch, pytorchShape, toPytorch } from './pytorchLayout.ts';
import type { HostTensor, SafetensorsFile } from './safetensors.ts';
import type { TensorEntry } from './safetensorsHeader.ts';

/** Parameters that a file does not hold as the network needs them: every fault at once. */
export class ParameterLoadError extends Error {
  override readonly name = 'ParameterLoadError';
  readonly file: string;
  readonly faults: readonly string[];
  /** Tensors in the file that no parameter is called like. */
  readonly unexpected: readonly string[];

  constructor(file: string, found: FaultyParameters) {
    const { missing, unfit, unexpected } = found;
    const listed = [listOf('missing', missing), listOf('unfit', unfit), listOf('not in the network', unexpected)];
    super(
      `${file} does not fit the network:${listed.join('')}\n` +
        'Is the model in the run file (n_feat, depth, channels, norm) the one that was saved?',
    );
    this.file = file;
    this.faults = [...missing, ...unfit];
    this.unexpected = unexpected;
  }
}

interface FaultyParameters {
  readonly missing: readonly string[];
  readonly unfit: readonly string[];
  readonly unexpected: readonly string[];
}

/** As many faults of a kind are listed. */
const MOST_LISTED = 10;

function listOf(title: string, faults: readonly string[]): string {
  if (faults.length === 0) return '';
  const listed = faults.slice(0, MOST_LISTED).map((fault) => `\n    ${fault}`);
  const rest = faults.length > MOST_LISTED ? `\n    and ${faults.length - MOST_LISTED} more` : '';
  return `\n  ${title} (${faults.length}):${listed.join('')}${rest}`;
}

/** Where a network's parameters are in a file. */
export interface FoundParameters {
  /** By parameter, the name of its tensor in the file. */
  readonly names: ReadonlyMap<string, string>;
  /** Tensors that the network has no use for. */
  readonly unexpected: readonly string[];
}

/**
 * Finds all parameters and buffers of a network in a file, each in PyTorch's layout, under their names or wrapped ones (see
 * `matchNames`). `prefix` stands before each name in the file. Throws a ParameterLoadError with every fault.
 */
export function findParameters(
  network: readonly ParameterSpec[],
  file: Pick<SafetensorsFile, 'path' | 'entries'>,
  prefix = '',
): FoundParameters {
  const held = [...file.entries.keys()].filter((name) => name.startsWith(prefix));
  const match = matchNames(
    network.map(({ name }) => name),
    held.map((name) => name.slice(prefix.length)),
  );
  const names = new Map([...match.names].map(([parameter, name]) => [parameter, prefix + name]));
  const missing = network
    .filter(({ name }) => !names.has(name))
    .map((spec) => `${prefix}${spec.name} ${text(pytorchShape(spec.layout, spec.shape))} is missing`);
  const unfit = network.flatMap((spec) => {
    const name = names.get(spec.name);
    return name === undefined ? [] : misfitOf(spec, name, file.entries.get(name)!);
  });
  const unexpected = match.unexpected.map((name) => prefix + name);
  if (missing.length + unfit.length + match.ambiguous.length > 0)
    throw new ParameterLoadError(file.path, { missing, unfit: [...unfit, ...match.ambiguous], unexpected });
  return { names, unexpected };
}

/** The values of a tensor that `findParameters` found, in PyTorch's layout. */
export async function readFloats(file: SafetensorsFile, name: string): Promise<Float32Array> {
  const { values } = await file.read(name);
  return values instanceof Float32Array ? values : Float32Array.from(values as Float64Array);
}

/**
 * Loads the named parameters and buffers from a file in PyTorch's layout into the store: those that it holds already are
 * overwritten, others are added. All of the network is checked before the first value is read: its specs are `network`, where
 * `specs` are only a part of them. `prefix` stands before each name in the file.
 */
export const loadParameters = async (
  engine: Engine,
  store: ParameterStore,
  specs: readonly ParameterSpec[],
  file: SafetensorsFile,
  prefix = '',
  network = specs,
): Promise<void> => {
  const { names } = findParameters(network, file, prefix);
  const held = new Set(store.all().map((parameter) => parameter.spec.name));
  for (const spec of specs) {
    const value = tensorFromPytorch(engine, spec, await readFloats(file, names.get(spec.name)!));
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

const misfitOf = (spec: ParameterSpec, name: string, { dtype, shape }: TensorEntry): string[] => {
  const wanted = pytorchShape(spec.layout, spec.shape);
  if (!FLOATS.includes(dtype)) return [`${name} has dtype ${dtype}, expected F32`];
  return shape.join() === wanted.join() ? [] : [`${name} has shape ${text(shape)}, expected ${text(wanted)}`];
};

const text = (shape: Shape): string => `[${shape.join(', ')}]`;
