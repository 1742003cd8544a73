const IDLE = 0;
const COMPUTING = 1;
const WAITING = 2;

/** What stands where in the memory that a heart looks at. */
const DOING = 0;
const PROGRESS = 1;

/**
 * What the main thread of this process is at, in memory that its heart reads: how many requests are being done, how many of these
 * wait for another process, and a counter of all that went forward. From the pulses of all the coordinator sees whether a run
 * stands still.
 */
export class Pulse {
  readonly memory = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  readonly #view = new Int32Array(this.memory);
  #active = 0;
  #waiting = 0;

  /** One more thing went forward: a message came or left, an action began. */
  advance(): void {
    Atomics.add(this.#view, PROGRESS, 1);
  }

  /** While something is being done. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#active++;
    this.#show();
    try {
      return await work();
    } finally {
      this.#active--;
      this.#show();
    }
  }

  /** While what is being done waits for another process. */
  async waiting<T>(event: Promise<T>): Promise<T> {
    this.#waiting++;
    this.#show();
    try {
      return await event;
    } finally {
      this.#waiting--;
      this.#show();
    }
  }

  #show(): void {
    const doing = this.#active === 0 ? IDLE : this.#active > this.#waiting ? COMPUTING : WAITING;
    Atomics.store(this.#view, DOING, doing);
    this.advance();
  }
}
