import type { EngineSpec } from '../config/runFile.ts';
import type { LoaderConfiguration } from '../data/loader/configuration.ts';
import { LOADER, workerName } from '../transport/names.ts';
import type { ReplyTo } from '../transport/protocol.ts';
import { assignDevices, visibleGpus, type Device, type WorkersBeside } from './devices.ts';
import { entryFile } from './fleet/child.ts';
import { Fleet } from './fleet/fleet.ts';
import type { FleetOptions } from './fleet/fleetOptions.ts';
import { withThreads } from './loading.ts';

export interface CrewOptions extends FleetOptions {
  readonly workers: number;
  readonly engine: EngineSpec;
  readonly loader?: LoaderConfiguration | undefined;
  /** Where other pipelines run beside this one on the machine. */
  readonly beside?: WorkersBeside | undefined;
}

/** Workers that have been started, and what they compute on. What they compute is for a pipeline to say, or for several in turn. */
export class Crew {
  readonly fleet: Fleet;
  readonly #engine: EngineSpec;
  #devices: readonly Device[];
  #started: readonly ReplyTo<'start'>[] = [];
  /** What the loader feeds from. */
  #loader: string | undefined;

  private constructor(fleet: Fleet, engine: EngineSpec, devices: readonly Device[]) {
    this.fleet = fleet;
    this.#engine = engine;
    this.#devices = devices;
  }

  /** Starts worker processes on this machine, each with its engine, and the loader where there is one. */
  static async launch({ workers, engine, beside, loader, ...options }: CrewOptions): Promise<Crew> {
    const devices = assignDevices(workers, await visibleGpus(), engine, beside);
    const crew = new Crew(await Fleet.open(options), engine, devices);
    try {
      const feeder = loader && crew.startLoader(loader);
      await Promise.all([...devices.map((_, worker) => crew.#spawn(worker)), feeder]);
      crew.#started = await crew.fleet.requestAll('start', (worker) => crew.#startOf(worker));
      return crew;
    } catch (error) {
      const failure = crew.fleet.failure ?? error;
      await crew.close();
      throw failure;
    }
  }

  get workers(): number {
    return this.#devices.length;
  }

  get devices(): readonly Device[] {
    return this.#devices;
  }

  /** What the workers said when they started. */
  get started(): readonly ReplyTo<'start'>[] {
    return this.#started;
  }

  #spawn(worker: number): Promise<void> {
    const { environment, cores } = this.#devices[worker]!;
    return this.fleet.spawn(workerName(worker), { entry: entryFile('worker'), environment, cores });
  }

  #startOf(worker: number): { engine: EngineSpec } {
    return { engine: { ...this.#engine, threads: this.#devices[worker]!.threads } };
  }

  /** Starts the process that feeds the workers, in the place of one that feeds from something else. */
  async startLoader(loader: LoaderConfiguration): Promise<void> {
    const LAMP_LOADER = JSON.stringify(withThreads(loader, this.#devices));
    if (this.#loader === LAMP_LOADER && this.fleet.has(LOADER)) return;
    await this.fleet.dismiss(LOADER);
    this.#loader = LAMP_LOADER;
    await this.fleet.spawn(LOADER, { entry: entryFile('data/loader'), environment: { LAMP_LOADER } });
  }

  /** Workers that were lost. */
  get missing(): readonly number[] {
    return this.#devices.flatMap((_, worker) => (this.fleet.has(workerName(worker)) ? [] : [worker]));
  }

  /** Starts another process in the place of a worker that was lost. */
  async replace(worker: number): Promise<void> {
    await this.#spawn(worker);
    const started = await this.fleet.request(workerName(worker), 'start', this.#startOf(worker));
    this.#started = this.#started.with(worker, started);
  }

  /** Goes on without workers that were lost: those that are left close up. */
  closeUp(): void {
    const lost = new Set(this.missing);
    const left = this.#devices.flatMap((_, worker) => (lost.has(worker) ? [] : [worker]));
    const members = left.map((worker) => this.fleet.member(workerName(worker)));
    this.fleet.seat(members);
    this.#devices = left.map((worker) => this.#devices[worker]!);
    this.#started = left.map((worker) => this.#started[worker]!);
  }

  async close(): Promise<void> {
    await this.fleet.close();
  }
}
