import type { Tensor } from '../engine/tensor.ts';

/**
 * Tensors that a step has in hand while it waits for others, or for room on a link: where the wait is broken off, nobody else would
 * let go of them.
 */
export class Custody {
  readonly #held = new Set<Tensor>();

  hold<T extends Tensor | undefined>(tensor: T): T {
    if (tensor) this.#held.add(tensor);
    return tensor;
  }

  /** They are somebody else's now. */
  release(...tensors: readonly (Tensor | undefined)[]): void {
    for (const tensor of tensors) if (tensor) this.#held.delete(tensor);
  }

  dispose(): void {
    for (const tensor of this.#held) tensor.dispose();
    this.#held.clear();
  }
}
