import { LinkClosedError } from './errors.ts';
import { onAbort } from './onAbort.ts';

/** The part of a ZeroMQ socket that a writer needs. */
interface Sendable {
  readonly closed: boolean;
  send(frames: Uint8Array[]): Promise<void>;
}

interface Job {
  readonly frames: Uint8Array[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends messages over one socket, in order and one at a time: a ZeroMQ socket takes no second message while the first waits
 * for room below the high-water mark.
 */
export class Writer {
  readonly #socket: Sendable;
  readonly #link: string;
  readonly #queue: Job[] = [];
  #writing = false;

  constructor(socket: Sendable, link: string) {
    this.#socket = socket;
    this.#link = link;
  }

  /** Messages that ZeroMQ has not taken yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Resolves when ZeroMQ has taken the message. A message that is still in the queue when `signal` aborts is not sent; the
   * one that ZeroMQ is about to take may be, as there is no way to call it back.
   */
  send(frames: Uint8Array[], signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#socket.closed) return Promise.reject(new LinkClosedError(this.#link));
    return new Promise((resolve, reject) => {
      const settled = signal && onAbort(signal, () => this.#withdraw(job, signal.reason));
      const job: Job = {
        frames,
        resolve: () => (settled?.(), resolve()),
        reject: (error) => (settled?.(), reject(error)),
      };
      this.#queue.push(job);
      void this.#write();
    });
  }

  /** Ends every wait. The socket is closed by its owner, before. */
  close(): void {
    for (const job of this.#queue.splice(0)) job.reject(new LinkClosedError(this.#link));
  }

  #withdraw(job: Job, reason: unknown): void {
    const place = this.#queue.indexOf(job);
    // The first in the queue is with the socket: it keeps its place, so that nothing overtakes it.
    if (place > 0) this.#queue.splice(place, 1);
    job.reject(reason);
  }

  async #write(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    for (let job = this.#queue[0]; job; job = this.#queue[0]) {
      try {
        await this.#socket.send(job.frames);
        job.resolve();
      } catch (error) {
        job.reject(this.#socket.closed ? new LinkClosedError(this.#link, { cause: error }) : error);
      }
      if (this.#queue[0] === job) this.#queue.shift();
    }
    this.#writing = false;
  }
}
