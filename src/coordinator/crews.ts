import type { RunFile } from '../config/runFile.ts';
import type { Log } from '../telemetry/log/log.ts';
import { Crew } from './crew.ts';
import { dismissalOf } from './fleet/fleet.ts';
import type { FleetOptions } from './fleet/fleetOptions.ts';
import type { Hosts } from './hosts.ts';

export interface CrewsOptions {
  readonly run: RunFile;
  /** The run's folder, absolute. */
  readonly directory: string;
  /** Workers of other hosts; those of this machine unless given. */
  readonly hosts?: Hosts | undefined;
  readonly log?: Log | undefined;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** The workers of a run, from phase to phase: the same processes for as long as as many are wanted. */
export class Crews {
  readonly #options: CrewsOptions;
  #crew: Crew | undefined;

  constructor(options: CrewsOptions) {
    this.#options = options;
  }

  /** Waits for other hosts, where the run has its workers there; returns how many have come. */
  async muster(): Promise<number | undefined> {
    const { hosts, run, note } = this.#options;
    if (!hosts) return undefined;
    this.#crew = await Crew.muster({ ...this.#fleet, engine: run.engine, hosts, note });
    return this.#crew.spares;
  }

  async of(workers: number): Promise<Crew> {
    const { hosts, run, directory } = this.#options;
    if (this.#crew && hosts) {
      await this.#crew.seat(workers);
      await this.#crew.checkShared(directory);
      return this.#crew;
    }
    if (this.#crew && this.#crew.workers !== workers) await this.close();
    this.#crew ??= await Crew.launch({ ...this.#fleet, workers, engine: run.engine });
    return this.#crew;
  }

  get #fleet(): FleetOptions {
    const { run, signal, log } = this.#options;
    const { heartbeat, stall, hang } = run.recovery;
    const limits = { heartbeatMilliseconds: 1000 * heartbeat, stallMilliseconds: 1000 * stall };
    return { signal, log, ...limits, hangMilliseconds: 1000 * hang };
  }

  /** @param error what the run has ended with, where it has not ended well, and whether that is that it was stopped (`asked`) */
  async close(ending?: { readonly error: unknown; readonly asked: AbortSignal }): Promise<void> {
    await this.#crew?.close(ending && dismissalOf(ending.error, ending.asked));
    this.#crew = undefined;
  }
}
