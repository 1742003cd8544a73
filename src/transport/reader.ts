import { onAbort } from './onAbort.ts';

/** The part of a ZeroMQ socket that a reader needs. */
interface Receivable {
  readonly closed: boolean;
  receive(): Promise<Uint8Array[]>;
}

/**
 * Reads one socket. A ZeroMQ socket allows one read at a time and cannot be told to give up, so a read that nobody waits
 * for any more stays open and is the next one's: nothing is lost when a wait is aborted.
 */
export class Reader {
  readonly #socket: Receivable;
  #pending: Promise<Uint8Array[] | undefined> | undefined;

  constructor(socket: Receivable) {
    this.#socket = socket;
  }

  /** The frames of the next message, or nothing once `signal` has aborted or the socket is closed. One caller at a time. */
  async next(signal: AbortSignal): Promise<Uint8Array[] | undefined> {
    if (signal.aborted || this.#socket.closed) return undefined;
    this.#pending ??= this.#receive();
    const frames = await orAborted(this.#pending, signal);
    if (frames === 'aborted') return undefined;
    this.#pending = undefined;
    return frames;
  }

  async #receive(): Promise<Uint8Array[] | undefined> {
    try {
      return await this.#socket.receive();
    } catch (error) {
      if (this.#socket.closed) return undefined;
      throw error;
    }
  }
}

const orAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T | 'aborted'> =>
  new Promise((resolve, reject) => {
    const settled = onAbort(signal, () => resolve('aborted'));
    promise.then(resolve, reject).finally(settled);
  });
