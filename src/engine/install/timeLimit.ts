/**
 * A signal that aborts with another one, or when the time is over. `AbortSignal.any` of a timeout would not do: nothing holds such
 * a signal, and once Node has collected it, it never aborts.
 */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #given: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  #over = false;

  constructor(given: AbortSignal, milliseconds: number) {
    this.#given = given;
    this.#timer = setTimeout(() => {
      this.#over = true;
      this.#controller.abort(new Error(`no end within ${milliseconds / 1000} s`));
    }, milliseconds);
    given.addEventListener('abort', this.#abort, { once: true });
    if (given.aborted) this.#abort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the time was over, and not the other signal aborted. */
  get over(): boolean {
    return this.#over;
  }

  /** Nobody waits any more. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#given.removeEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => this.#controller.abort(this.#given.reason);
}
