import type { FrameFault } from './errors.ts';

/**
 * Why something that came from outside was refused: a tensor message (FrameFault), one that was `replayed`, a control message
 * that does not parse (`malformed`); a handshake by a `key` that is not admitted, with another `mechanism` than CURVE, or that
 * broke off (`handshake`: a wrong server key, bytes that are no handshake); a ZAP request that is none (`request`).
 */
export type Refusal = FrameFault | 'replayed' | 'malformed' | 'key' | 'mechanism' | 'handshake' | 'request';

/** How often what was refused; a reason that never was has no entry. */
export type TransportCounters = Readonly<Partial<Record<Refusal, number>>>;

const byProcess: Partial<Record<Refusal, number>> = {};

/** What all sockets of this process have refused since its start, those that are closed too. */
export const refusedByProcess = (): TransportCounters => ({ ...byProcess });

/** Counts refusals. It keeps a number a reason and nothing of what was refused. */
export class RefusalCount {
  readonly #counts: Partial<Record<Refusal, number>> = {};
  readonly #ofSocket: boolean;

  /** @param ofSocket whether it is of one socket, and so counts for the process, too */
  constructor(ofSocket = true) {
    this.#ofSocket = ofSocket;
  }

  add(reason: Refusal, times = 1): void {
    for (const counts of this.#ofSocket ? [this.#counts, byProcess] : [this.#counts])
      counts[reason] = (counts[reason] ?? 0) + times;
  }

  get now(): TransportCounters {
    return { ...this.#counts };
  }
}
