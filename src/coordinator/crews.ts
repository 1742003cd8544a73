import type { RunFile } from '../config/runFile.ts';
import { Crew } from './crew.ts';

/** The workers of a run, from phase to phase: the same processes for as long as as many are wanted. */
export class Crews {
  readonly #run: RunFile;
  readonly #signal: AbortSignal;
  #crew: Crew | undefined;

  constructor(run: RunFile, signal: AbortSignal) {
    this.#run = run;
    this.#signal = signal;
  }

  async of(workers: number): Promise<Crew> {
    if (this.#crew && this.#crew.workers !== workers) await this.close();
    const { engine, recovery } = this.#run;
    this.#crew ??= await Crew.launch({
      ...{ workers, engine, signal: this.#signal },
      heartbeatMilliseconds: 1000 * recovery.heartbeat,
      stallMilliseconds: 1000 * recovery.stall,
    });
    return this.#crew;
  }

  async close(): Promise<void> {
    await this.#crew?.close();
    this.#crew = undefined;
  }
}
