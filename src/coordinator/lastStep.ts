/** How long a step in progress may take to end after the run was told to stop. */
const LAST_STEP_MILLISECONDS = 5_000;

/**
 * Turns the signal that stops a run into the one that ends its processes: at once while they are launched, since nothing is
 * lost; in a step only when it has been given time to end; never while the parameters are being saved, which needs the processes.
 */
export class LastStep {
  readonly #asked: AbortSignal;
  readonly #controller = new AbortController();
  #phase: 'launching' | 'training' | 'saving' = 'launching';
  #timer: NodeJS.Timeout | undefined;

  constructor(asked: AbortSignal) {
    this.#asked = asked;
    if (asked.aborted) this.#end();
    else asked.addEventListener('abort', this.#stop, { once: true });
  }

  /** Ends the processes. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  enter(phase: 'launching' | 'training' | 'saving'): void {
    this.#phase = phase;
    clearTimeout(this.#timer);
    // Asked while the phase before was being saved.
    if (phase === 'launching' && this.#asked.aborted) this.#end();
  }

  /** Listens no longer. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#asked.removeEventListener('abort', this.#stop);
  }

  readonly #stop = (): void => {
    if (this.#phase === 'launching') this.#end();
    if (this.#phase === 'training') this.#timer = setTimeout(() => this.#end(), LAST_STEP_MILLISECONDS);
  };

  #end(): void {
    this.#controller.abort(this.#asked.reason);
  }
}
