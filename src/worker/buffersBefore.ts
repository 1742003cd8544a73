import type { Tensor } from '../engine/tensor.ts';
import type { ParameterStore } from '../layers/parameterStore.ts';

/**
 * The buffers of a network (running statistics) as they were after the last update. Every step changes them, and where the steps
 * since then come to nothing they are put back. They are handles on the values; a copy is made only where a buffer changes.
 */
export class BuffersBefore {
  readonly #values = new Map<string, Tensor>();
  #begun = false;

  /** The first step after an update begins; another one after it changes nothing. */
  begin(parameters: ParameterStore): void {
    if (this.#begun) return;
    this.#begun = true;
    for (const { spec, value } of parameters.all())
      if (spec.role === 'buffer') this.#values.set(spec.name, value.read());
  }

  /** Puts every buffer back to what it was. */
  restore(parameters: ParameterStore): void {
    for (const [name, before] of this.#values) parameters.variable(name).assign(before);
    this.forget();
  }

  /** The steps since the last update have made one. */
  forget(): void {
    for (const before of this.#values.values()) before.dispose();
    this.#values.clear();
    this.#begun = false;
  }
}
