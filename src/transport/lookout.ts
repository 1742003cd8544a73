import { Dealer } from 'zeromq';
import { pack } from './msgpack.ts';
import { lookoutOf } from './names.ts';
import { connectWith } from './openSocket.ts';
import type { ConnectOptions } from './openSocket.ts';
import { Reader } from './reader.ts';

export interface LookoutOptions extends Pick<ConnectOptions, 'endpoint' | 'security'> {
  /** The worker's id. */
  readonly worker: string;
  /** After so long without an answer the coordinator is gone. */
  readonly deadMilliseconds: number;
}

const ASK_MILLISECONDS = 1000;
/** For so long a last word may take to leave. */
const LAST_WORD_MILLISECONDS = 500;

/**
 * The line to the coordinator of whoever started a worker on another host: the worker itself may be in a kernel for minutes, or
 * have been killed.
 */
export class Lookout {
  readonly #socket: Dealer;
  readonly #deadMilliseconds: number;
  readonly #over = new AbortController();
  #closed = false;

  constructor({ worker, deadMilliseconds, ...to }: LookoutOptions) {
    // A question may be on its way when the last word is said.
    const make = (common: object): Dealer =>
      new Dealer({ ...common, routingId: lookoutOf(worker), sendHighWaterMark: 2, sendTimeout: 0, linger: 0 });
    this.#socket = connectWith(make, to);
    this.#deadMilliseconds = deadMilliseconds;
  }

  /**
   * Asks the coordinator every second whether it is still there. Resolves with `true` when it has not answered for too long, and
   * with `false` when this is closed.
   */
  async silence(): Promise<boolean> {
    let [silent, last] = [0, performance.now()];
    const timer = setInterval(() => {
      const now = performance.now();
      // What this process slept through does not count.
      silent += Math.min(now - last, 2 * ASK_MILLISECONDS);
      last = now;
      if (silent > this.#deadMilliseconds) this.#over.abort();
      this.#send({ kind: 'heartbeat' });
    }, ASK_MILLISECONDS);
    try {
      const reader = new Reader(this.#socket);
      while (await reader.next(this.#over.signal)) silent = 0;
      return !this.#closed;
    } finally {
      clearInterval(timer);
    }
  }

  /** Tells the coordinator that the worker is no more, and whether another comes in its place; says nothing after that. */
  leave(problem: string, again: boolean): void {
    if (this.#closed) return;
    this.#send({ kind: 'leaving', problem, again });
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#over.abort();
    this.#socket.linger = LAST_WORD_MILLISECONDS;
    this.#socket.close();
  }

  #send(message: object): void {
    this.#socket.send(pack(message)).catch(() => {});
  }
}
