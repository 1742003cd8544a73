import { tensorFromPytorch, tensorToPytorch } from '../checkpoint/parameters.ts';
import type { HostTensor } from '../checkpoint/safetensors.ts';
import { formatStateKey } from '../checkpoint/training/stateKey.ts';
import type { Engine } from '../engine/engine.ts';
import type { ParameterSpec } from '../layers/parameter.ts';
import type { ParameterStore } from '../layers/parameterStore.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';

/** What a worker holds of a network that is trained: all of it goes into a snapshot, and a worker goes on from one bit for bit. */
export interface Trained {
  readonly parameters: ParameterStore;
  readonly optimizer: Optimizer;
  /** Of the teacher, where there is one. */
  readonly taught: ParameterStore | undefined;
}

/** By key, in PyTorch's layout: whoever holds which stages, the keys are the same. */
export type State = ReadonlyMap<string, HostTensor>;

const slotKey = (slot: string, name: string): string => formatStateKey({ kind: 'slot', slot, name });
const teacherKey = (name: string): string => formatStateKey({ kind: 'teacher', name });

/** A copy of the state on the host. */
export function copyState(engine: Engine, { parameters, optimizer, taught }: Trained): Map<string, HostTensor> {
  const state = new Map<string, HostTensor>();
  const copy = (key: string, spec: ParameterSpec, value: { read(): ReturnType<ParameterStore['read']> }): void => {
    const tensor = value.read();
    state.set(key, tensorToPytorch(engine, spec, tensor));
    tensor.dispose();
  };
  for (const { spec, value } of parameters.all()) copy(spec.name, spec, value);
  for (const { slot, parameter, variable } of optimizer.state().slots)
    copy(slotKey(slot, parameter.name), parameter, variable);
  for (const { spec, value } of taught?.all() ?? []) copy(teacherKey(spec.name), spec, value);
  return state;
}

/** The keys under which the state of these parameters may lie. An optimizer's slot that was never written is in none. */
export const keysOf = (specs: readonly ParameterSpec[], slots: readonly string[], teacher: boolean): string[] =>
  specs.flatMap(({ name, role }) => [
    name,
    ...(role === 'parameter' ? slots.map((slot) => slotKey(slot, name)) : []),
    ...(teacher ? [teacherKey(name)] : []),
  ]);

/** A state is not that of the network: a parameter is not in it, or has another shape. */
export class StateError extends Error {
  override readonly name = 'StateError';
  readonly key: string;

  constructor(key: string, from: string, problem: string) {
    super(`${key} ${problem} in ${from}: it is of another network, or of another model in the run file`);
    this.key = key;
  }
}

/** Adds parameters with the values that they have in a state. */
export function addParameters(
  engine: Engine,
  store: ParameterStore,
  specs: readonly ParameterSpec[],
  { state, from }: { state: State; from: string },
): void {
  for (const spec of specs) {
    const value = tensorOf(engine, spec, spec.name, { state, from });
    store.add(spec, value);
    value.dispose();
  }
}

/** Has optimizer and teacher go on from where they were after `updates` updates. */
export function restoreState(
  engine: Engine,
  { parameters, optimizer, taught }: Trained,
  { state, from, updates }: { state: State; from: string; updates: number },
): void {
  optimizer.restore(parameters.trainable(), updates, (slot, name) => {
    const { spec } = parameters.get(name);
    const key = slotKey(slot, name);
    // What was never updated has no slots yet.
    return state.has(key) ? tensorOf(engine, spec, key, { state, from }) : engine.math.zeros([...spec.shape]);
  });
  for (const { spec, value } of taught?.all() ?? []) {
    const tensor = tensorOf(engine, spec, teacherKey(spec.name), { state, from });
    value.assign(tensor);
    tensor.dispose();
  }
}

function tensorOf(
  engine: Engine,
  spec: ParameterSpec,
  key: string,
  { state, from }: { state: State; from: string },
): ReturnType<typeof tensorFromPytorch> {
  const found = state.get(key);
  if (!found) throw new StateError(key, from, 'is missing');
  const size = spec.shape.reduce((product, n) => product * n, 1);
  if (!(found.values instanceof Float32Array) || found.values.length !== size)
    throw new StateError(key, from, `has shape [${found.shape.join(', ')}]`);
  return tensorFromPytorch(engine, spec, found.values);
}
