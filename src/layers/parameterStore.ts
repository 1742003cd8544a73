import type { Engine, Variable } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Parameter, ParameterSpec } from './parameter.ts';
import { mergeStatistics, type Statistics } from './statistics.ts';

/** The parameters and buffers of the cells that one worker holds, by name, with the gradients gathered so far. */
export class ParameterStore {
  readonly engine: Engine;
  readonly #entries = new Map<string, Parameter>();
  readonly #statistics = new Map<string, Statistics>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Adds a parameter with its first value, which stays the caller's. */
  add(spec: ParameterSpec, initial: Tensor): void {
    if (this.#entries.has(spec.name)) throw new Error(`two parameters are called ${spec.name}: names must be unique`);
    this.#entries.set(spec.name, { spec, value: this.engine.variable(initial), gradient: undefined });
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
    entry.gradient = this.engine.keep(before ? this.engine.math.add(before, delta) : delta);
    if (before) {
      before.dispose();
      delta.dispose();
    }
  }

  /** Takes over what the gradient is from now on: the sum over replicas. */
  replaceGradient(name: string, gradient: Tensor): void {
    const entry = this.get(name);
    entry.gradient?.dispose();
    entry.gradient = this.engine.keep(gradient);
  }

  /** The sum of the squares of all gradients, on the host: its root over all workers is the global norm. */
  squaredNorm(): number {
    const engine = this.engine;
    const { concat, reshape, square, sum } = engine.math;
    const gradients = this.all().flatMap(({ gradient }) => (gradient ? [gradient] : []));
    if (gradients.length === 0) return 0;
    const sums = engine.tidy(() => concat(gradients.map((gradient) => reshape(sum(square(gradient)), [1]))));
    const values = Array.from(engine.read(sums));
    sums.dispose();
    return values.reduce((total, value) => total + value, 0);
  }

  /** Multiplies every gradient: clipping by the global norm, or the mean over mini-batches. */
  scaleGradients(factor: number): void {
    for (const entry of this.#entries.values()) {
      const before = entry.gradient;
      if (!before) continue;
      entry.gradient = this.engine.keep(this.engine.math.mul(before, factor));
      before.dispose();
    }
  }

  /** Adds to the statistics that layer `name` gathers over a mini-batch and takes them over. Safe inside `tidy`. */
  gatherStatistics(name: string, statistics: Statistics): void {
    const before = this.#statistics.get(name);
    const merged = before ? mergeStatistics(this.engine, before, statistics) : statistics;
    this.engine.keep(merged.mean);
    this.engine.keep(merged.squares);
    this.#statistics.set(name, merged);
    if (before) for (const { mean, squares } of [before, statistics]) [mean, squares].forEach((sum) => sum.dispose());
  }

  /** What layer `name` gathered since the last call, if anything; the caller disposes it. */
  takeStatistics(name: string): Statistics | undefined {
    const gathered = this.#statistics.get(name);
    this.#statistics.delete(name);
    return gathered;
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
    for (const { mean, squares } of this.#statistics.values()) [mean, squares].forEach((sum) => sum.dispose());
    this.#statistics.clear();
    this.#entries.clear();
  }
}
