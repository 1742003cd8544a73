import type { HostTensor } from '../checkpoint/safetensors.ts';
import type { State } from './state.ts';

interface Kept {
  /** This worker's own part. */
  readonly own: State;
  /** That, and what others have handed over. */
  readonly all: Map<string, HostTensor>;
}

/** Snapshots in this worker's memory: of its own state, and of what others have given it to keep. */
export class Vault {
  readonly #steps = new Map<number, Kept>();

  /** Keeps this worker's own state of a step, and of all others only that of step `keep`. */
  put(step: number, own: State, keep: number | undefined): void {
    for (const held of this.#steps.keys()) if (held !== keep && held !== step) this.#steps.delete(held);
    this.#steps.set(step, { own, all: new Map([...(this.#steps.get(step)?.all ?? []), ...own]) });
  }

  /** Keeps a tensor that was handed over. */
  add(step: number, key: string, tensor: HostTensor): void {
    const kept = this.#steps.get(step) ?? { own: new Map(), all: new Map<string, HostTensor>() };
    kept.all.set(key, tensor);
    this.#steps.set(step, kept);
  }

  own(step: number): State {
    return this.#kept(step).own;
  }

  all(step: number): State {
    return this.#kept(step).all;
  }

  #kept(step: number): Kept {
    const kept = this.#steps.get(step);
    if (!kept)
      throw new Error(`no snapshot of step ${step} is here; there are ${[...this.#steps.keys()].join(', ') || 'none'}`);
    return kept;
  }

  clear(): void {
    this.#steps.clear();
  }
}
