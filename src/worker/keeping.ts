import type { HostTensor } from '../checkpoint/safetensors.ts';
import { CheckpointError } from '../checkpoint/training/checkpointError.ts';
import { disposeWriter, writePart } from '../checkpoint/training/writer.ts';
import type { Links } from '../transport/links.ts';
import { stateLink } from '../transport/names.ts';
import type { Peer } from '../transport/peer.ts';
import type { ReplyTo, RequestOf } from '../transport/protocol.ts';
import { handOver, takeOver } from './handover.ts';
import { Vault } from './vault.ts';

/** A worker's snapshots, and what becomes of them beside the steps: they are handed to others, taken from them, and written. */
export class Keeping {
  readonly vault = new Vault();
  readonly #peer: Peer;
  readonly #links: () => Links;

  /** @param links those of the pipeline in progress */
  constructor(peer: Peer, links: () => Links) {
    this.#peer = peer;
    this.#links = links;
  }

  async hand({ step, to, keys }: RequestOf<'hand'>): Promise<Record<string, never>> {
    const outlet = this.#links().outlets.get(stateLink(to));
    if (!outlet) throw new Error(`no link for state to ${to}`);
    const handing = handOver(outlet, { step, keys, state: this.vault.all(step) }, this.#peer.signal);
    await this.#peer.pulse.waiting(handing);
    return {};
  }

  async take({ step, from, keys }: RequestOf<'take'>): Promise<Record<string, never>> {
    const inlet = this.#links().inlets.get(stateLink(from));
    if (!inlet) throw new Error(`no link for state from ${from}`);
    const keep = (key: string, tensor: HostTensor): void => {
      this.#peer.pulse.advance();
      this.vault.add(step, key, tensor);
    };
    await this.#peer.pulse.waiting(takeOver(inlet, { step, keys, keep }, this.#peer.signal));
    return {};
  }

  /** Writes the worker's own part of a snapshot into a file; a disk that will not have it is told, and no failure. */
  async store({ step, file }: RequestOf<'store'>): Promise<Pick<ReplyTo<'store'>, 'outcome'>> {
    const own = this.vault.own(step);
    try {
      return { outcome: { kind: 'written', ...(await writePart(file, own)) } };
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      return { outcome: { kind: 'refused', problem: error.message } };
    }
  }

  dispose(): void {
    this.vault.clear();
    void disposeWriter();
  }
}
