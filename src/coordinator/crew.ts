import type { EngineSpec } from '../config/runFile.ts';
import type { LoaderConfiguration } from '../data/loader/configuration.ts';
import { LOADER, numberOf, workerName } from '../transport/names.ts';
import type { Dismissal, ReplyTo } from '../transport/protocol.ts';
import { formatCount } from '../telemetry/units.ts';
import { assignDevices, deviceElsewhere, visibleGpus, type Device, type WorkersBeside } from './devices.ts';
import { entryFile } from './fleet/child.ts';
import type { Order } from './fleet/controlPlane.ts';
import { dismissalOf, Fleet } from './fleet/fleet.ts';
import type { Member } from './fleet/member.ts';
import type { FleetOptions } from './fleet/fleetOptions.ts';
import {
  blindOf,
  inOrder,
  NoReplacementError,
  SharedFolderError,
  waitForHosts,
  type Blind,
  type Hosts,
} from './hosts.ts';
import { withThreads } from './loading.ts';
import { chooseReplacement } from './replacement.ts';

export interface CrewOptions extends FleetOptions {
  readonly workers: number;
  /** So many times as many; 1 unless given. */
  readonly replicas?: number | undefined;
  readonly engine: EngineSpec;
  readonly loader?: LoaderConfiguration | undefined;
  /** Where other pipelines run beside this one on the machine. */
  readonly beside?: WorkersBeside | undefined;
}

export interface MusterOptions extends FleetOptions {
  readonly engine: EngineSpec;
  readonly hosts: Hosts;
  readonly note?: ((text: string) => void) | undefined;
}

/** Workers that have been started, and what they compute on. What they compute is for a pipeline to say, or for several in turn. */
export class Crew {
  readonly fleet: Fleet;
  readonly #engine: EngineSpec;
  #devices: readonly Device[];
  #started: readonly ReplyTo<'start'>[] = [];
  /** What each process said when its engine was started. */
  readonly #engines = new WeakMap<Member, ReplyTo<'start'>>();
  /** Those that were found to see the run's folder. */
  readonly #seeing = new WeakSet<Member>();
  /** What the loader feeds from. */
  #loader: string | undefined;

  private constructor(fleet: Fleet, engine: EngineSpec, devices: readonly Device[]) {
    this.fleet = fleet;
    this.#engine = engine;
    this.#devices = devices;
  }

  /** Starts worker processes on this machine, each with its engine, and the loader where there is one. */
  static async launch({ workers, replicas = 1, engine, beside, loader, ...options }: CrewOptions): Promise<Crew> {
    const devices = assignDevices(workers * replicas, await visibleGpus(), engine, beside);
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

  /**
   * Listens for workers of other hosts and waits until as many `lamp worker`s have come as are wanted, each with all of its
   * processes. Throws a JoinError where they do not come in time.
   */
  static async muster({ engine, hosts, note, ...options }: MusterOptions): Promise<Crew> {
    const crew = new Crew(await Fleet.open({ ...options, door: hosts.door }), engine, []);
    try {
      note?.(`listening at ${crew.fleet.doorstep!} for ${formatCount(hosts.count, 'host')}`);
      await waitForHosts(crew.fleet, hosts, note);
      return crew;
    } catch (error) {
      const failure = crew.fleet.failure ?? error;
      await crew.close(dismissalOf(failure, options.signal));
      throw failure;
    }
  }

  /** Gives workers of other hosts that have come a part, those of one host side by side, and starts their engines. */
  async seat(workers: number): Promise<void> {
    // Who has a part keeps one.
    const all = [...this.fleet.workers, ...inOrder(this.fleet.idle)];
    const members = inOrder(all.slice(0, workers));
    this.fleet.seat(members);
    this.#devices = members.map(({ id, host }) => deviceElsewhere(id, host!, this.#engine));
    this.#started = await Promise.all(members.map((member, worker) => this.#startAs(worker, member)));
  }

  /** Makes sure that the run's folder is the same one on all hosts. Throws a SharedFolderError. */
  async checkShared(folder: string): Promise<void> {
    const blind = await this.#blind(folder);
    const faults = blind.map(
      ({ worker, problem }) => `worker ${worker} on ${this.fleet.member(workerName(worker)).host!.name}: ${problem}`,
    );
    if (faults.length > 0) throw new SharedFolderError(folder, faults);
  }

  /** Sends those away that have come since and do not see the run's folder; returns how many. */
  async turnAwayBlind(folder: string, note: (text: string) => void): Promise<number> {
    const blind = this.remote ? await this.#blind(folder) : [];
    for (const { worker, problem } of blind) {
      const { host } = this.fleet.member(workerName(worker));
      note(`${host!.name} cannot take part: it does not see the run's folder ${folder}: ${problem}`);
      await this.fleet.turnAway(workerName(worker), `it does not see the run's folder ${folder}: ${problem}`);
    }
    return blind.length;
  }

  /** Of those that were not asked before. */
  async #blind(folder: string): Promise<readonly Blind[]> {
    const members = this.#devices.map((_, worker) => this.fleet.member(workerName(worker)));
    const unsure = members.flatMap((member, worker) => (this.#seeing.has(member) ? [] : [worker]));
    const blind = await blindOf(this.fleet, folder, unsure);
    for (const worker of unsure) if (!blind.some((each) => each.worker === worker)) this.#seeing.add(members[worker]!);
    return blind;
  }

  /** Starts a worker's engine, once for each process. */
  async #startAs(worker: number, member: Member): Promise<ReplyTo<'start'>> {
    const known = this.#engines.get(member) ?? (await this.fleet.request(member.role!, 'start', this.#startOf(worker)));
    this.#engines.set(member, known);
    return known;
  }

  /** Workers of other hosts that have come and have no part. */
  get spares(): number {
    return this.fleet.idle.length;
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

  #startOf(worker: number): Order<'start'> {
    const { place: log } = this.fleet.log;
    return { engine: { ...this.#engine, threads: this.#devices[worker]!.threads }, ...(log ? { log } : {}) };
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
  async replace(worker: number, wait = 0): Promise<void> {
    const { elsewhere } = this.#devices[worker]!;
    if (elsewhere) await this.#enlist(worker, wait);
    else await this.#spawn(worker);
    const started = await this.#startAs(worker, this.fleet.member(workerName(worker)));
    this.#started = this.#started.with(worker, started);
  }

  /** Gives a worker of another host that has none the part of one that was lost; waits for one for so many seconds. */
  async #enlist(worker: number, wait: number): Promise<void> {
    const lost = this.#devices[worker]!.elsewhere!;
    const forGood = this.fleet.hasLeft(lost.id);
    const others = this.missing.filter((other) => other !== worker).map((other) => this.#devices[other]!.elsewhere!.id);
    const began = performance.now();
    for (;;) {
      const waited = performance.now() - began;
      const choice = chooseReplacement(this.fleet.idle, { ...lost, forGood }, { waited, wait: 1000 * wait, others });
      if (choice.kind === 'none') throw new NoReplacementError(lost.host, wait);
      if (choice.kind === 'wait') {
        await this.fleet.arrival(choice.milliseconds);
        continue;
      }
      const { candidate: member } = choice;
      member.role = workerName(worker);
      this.#devices = this.#devices.with(worker, deviceElsewhere(member.id, member.host!, this.#engine));
      return;
    }
  }

  /** Goes on with these workers, which close up: others were lost, or have no part any more. */
  closeUp(roles: readonly string[]): void {
    const left = roles.map(numberOf);
    this.fleet.seat(roles.map((role) => this.fleet.member(role)));
    this.#devices = left.map((worker) => this.#devices[worker]!);
    this.#started = left.map((worker) => this.#started[worker]!);
  }

  get remote(): boolean {
    return this.fleet.doorstep !== undefined;
  }

  /** @param dismissal why the run has ended, where it has not ended well */
  async close(dismissal?: Dismissal): Promise<void> {
    await this.fleet.close(dismissal);
  }
}
