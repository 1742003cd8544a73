import type { Engine, Variable } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Parameter, ParameterSpec } from './parameter.ts';

/** The parameters and buffers of the cells that one worker holds, by name, with the gradients gathered so far. */
export class ParameterStore {
  readonly #engine: Engine;
  readonly #entries = new Map<string, Parameter>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Adds a parameter with its first value, which stays the caller's. */
  add(spec: ParameterSpec, initial: Tensor): void {
    if (this.#entries.has(spec.name)) throw new Error(`two parameters are called ${spec.name}: names must be unique`);
    this.#entries.set(spec.name, { spec, value: this.#engine.variable(initial), gradient: undefined });
  }

  /** Every parameter and buffer, in the order in which they were added. */
  all(): readonly Parameter[] {
    return [...this.#entries.values()];
  }

  /** Those that the optimizer updates. */
  trainable(): readonly Parameter[] {
    return this.all().filter((entry) => entry.spec.role === 'parameter');
  }

  get(name: string): Parameter {
    const entry = this.#entries.get(name);
    if (!entry)
      throw new Error(
        `no parameter ${name} on this worker; it holds ${[...this.#entries.keys()].join(', ') || 'none'}`,
      );
    return entry;
  }

  variable(name: string): Variable {
    return this.get(name).value;
  }

  /** The value now; the caller disposes it. */
  read(name: string): Tensor {
    return this.get(name).value.read();
  }

  /** Adds to the gradient of this mini-batch and takes `delta` over. Safe inside `tidy`. */
  accumulate(name: string, delta: Tensor): void {
    const entry = this.get(name);
    const before = entry.gradient;
    entry.gradient = this.#engine.keep(before ? this.#engine.math.add(before, delta) : delta);
    if (before) {
      before.dispose();
      delta.dispose();
    }
  }

  /** Forgets the gradients: the start of a mini-batch. */
  clearGradients(): void {
    for (const entry of this.#entries.values()) {
      entry.gradient?.dispose();
      entry.gradient = undefined;
    }
  }

  dispose(): void {
    this.clearGradients();
    for (const entry of this.#entries.values()) entry.value.dispose();
    this.#entries.clear();
  }
}
