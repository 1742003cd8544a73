import type { Engine, Variable } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Parameter } from '../layers/parameter.ts';
import type { OptimizerSlot } from './optimizer.ts';

/** The arrays of an optimizer, by slot and parameter name; made of zeros when first asked for. */
export class Slots {
  readonly names: readonly string[];
  readonly #engine: Engine;
  readonly #entries = new Map<string, OptimizerSlot>();

  constructor(engine: Engine, names: readonly string[]) {
    this.#engine = engine;
    this.names = names;
  }

  get(slot: string, parameter: Parameter): Variable {
    const found = this.#entries.get(key(slot, parameter));
    return found ? found.variable : this.#add(slot, parameter, this.#engine.math.zeros([...parameter.spec.shape]));
  }

  /** Takes `value` over. */
  set(slot: string, parameter: Parameter, value: Tensor): void {
    const found = this.#entries.get(key(slot, parameter));
    if (!found) {
      this.#add(slot, parameter, value);
      return;
    }
    found.variable.assign(value);
    value.dispose();
  }

  all(): readonly OptimizerSlot[] {
    return [...this.#entries.values()];
  }

  dispose(): void {
    for (const { variable } of this.#entries.values()) variable.dispose();
    this.#entries.clear();
  }

  #add(slot: string, parameter: Parameter, initial: Tensor): Variable {
    const variable = this.#engine.variable(initial);
    initial.dispose();
    this.#entries.set(key(slot, parameter), { slot, parameter: parameter.spec, variable });
    return variable;
  }
}

const key = (slot: string, parameter: Parameter): string => `${slot} ${parameter.spec.name}`;
