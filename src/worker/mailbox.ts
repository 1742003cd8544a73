import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { DataInlet } from '../transport/dataLink.ts';
import { keyOf, type TensorAddress, type TensorValues } from '../transport/tensorMessage.ts';
import type { Links } from '../transport/links.ts';
import type { Pulse } from '../transport/pulse.ts';

/**
 * Where tensors arrive and leave. What stays on this worker is handed over as it is; the rest goes through the links, and
 * the bytes leave the engine's memory on the way.
 */
export class Mailbox {
  readonly #engine: Engine;
  readonly #own: string;
  readonly #links: Links;
  readonly #signal: AbortSignal;
  readonly #pulse: Pulse;
  readonly #here = new Map<string, Tensor>();

  constructor(options: { engine: Engine; own: string; links: Links; signal: AbortSignal; pulse: Pulse }) {
    this.#engine = options.engine;
    this.#own = options.own;
    this.#links = options.links;
    this.#signal = options.signal;
    this.#pulse = options.pulse;
  }

  /** Waits for a tensor from a peer (or from an earlier action of this worker). The caller owns it. */
  async take(from: string, address: TensorAddress): Promise<Tensor> {
    const key = keyOf(address);
    if (from === this.#own) {
      const tensor = this.#here.get(key);
      if (!tensor) throw new Error(`${key} is not here yet: the schedule was not validated`);
      this.#here.delete(key);
      return tensor;
    }
    const { header, values } = await this.#pulse.waiting(this.#inlet(from).receive(key, this.#signal));
    return this.#engine.tensor(values, header.shape);
  }

  /**
   * Takes a tensor over and sends it to a peer, or keeps it for a later action of this worker. Returns the bytes that left;
   * `copied` is called when they are out of the engine and go to the link.
   */
  async give(to: string, address: TensorAddress, tensor: Tensor, copied?: () => void): Promise<number> {
    if (to === this.#own) {
      this.#here.set(keyOf(address), tensor);
      return 0;
    }
    const values = this.#engine.read(tensor);
    const shape = [...tensor.shape];
    tensor.dispose();
    copied?.();
    await this.send(to, address, values, shape);
    return values.byteLength;
  }

  async send(to: string, address: TensorAddress, values: TensorValues, shape: readonly number[]): Promise<void> {
    const outlet = this.#links.outlets.get(to);
    if (!outlet) throw new Error(`no link to ${to}`);
    await this.#pulse.waiting(outlet.send({ ...address, shape }, values, this.#signal));
  }

  #inlet(from: string): DataInlet {
    const inlet = this.#links.inlets.get(from);
    if (!inlet) throw new Error(`no link from ${from}`);
    return inlet;
  }

  dispose(): void {
    for (const tensor of this.#here.values()) tensor.dispose();
    this.#here.clear();
  }
}
