import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlServer } from '../../transport/control.ts';
import { bodyOf, lookoutFor, numberOf, workerName } from '../../transport/names.ts';
import {
  replySchema,
  requestSchema,
  type Reply,
  type ReplyTo,
  type Request,
  type RequestOf,
} from '../../transport/protocol.ts';
import { RemoteError, SilenceError, StallError, type RunFailure } from '../errors.ts';
import { Child, describeEnding, type ChildOptions } from './child.ts';
import { failureOf } from './failure.ts';
import { FleetLog } from './fleetLog.ts';
import type { FleetOptions } from './fleetOptions.ts';
import { doorOf, refusalOf } from './door.ts';
import { isWorker, Member, type Greeting } from './member.ts';
import { CHECK_MILLISECONDS, Watch } from './watch.ts';

/** A request without its id, which the fleet gives. */
export type Order<K extends Request['kind']> = Omit<RequestOf<K>, 'id' | 'kind'>;

const START_MILLISECONDS = 60_000;
const GRACE_MILLISECONDS = 2_000;
const SILENCE_MILLISECONDS = 30_000;
const STALL_MILLISECONDS = 120_000;
/** For how long the news of a process's end may be on its way when its socket is gone already. */
const ENDING_MILLISECONDS = 2_000;

/**
 * The processes of a run, and the control plane to them.
 *
 * The first failure wins: whether a process says that it failed, ends, or falls silent, every request that is waited for is
 * rejected with that one error, and so is every later one, until `regroup` has those that are left begin anew.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #log: FleetLog;
  readonly #server: ControlServer<Reply, Request>;
  /** Where workers of other hosts come in; processes of this machine have a socket of their own, which nobody else reaches. */
  readonly #door: ControlServer<Reply, Request> | undefined;
  readonly #members = new Map<string, Member>();
  readonly #closing = new AbortController();
  readonly #stages = new Map<string, readonly number[]>();
  readonly #watch: Watch;
  #listening: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #nextId = 0;
  /** Whom to tell that somebody has come. */
  #arrivals: (() => void)[] = [];
  #failure: Error | undefined;
  /** Aborts with the failure; another one after each regrouping. */
  #waits = new AbortController();
  #stopping = false;

  private constructor(
    options: FleetOptions,
    { server, door }: { server: ControlServer<Reply, Request>; door: ControlServer<Reply, Request> | undefined },
  ) {
    this.#options = options;
    this.#door = door;
    this.#log = new FleetLog(options.log);
    this.#server = server;
    this.#watch = new Watch({
      silence: options.heartbeatMilliseconds ?? SILENCE_MILLISECONDS,
      stall: options.stallMilliseconds ?? STALL_MILLISECONDS,
    });
  }

  /** Listens; nobody is there yet. */
  static async open(options: FleetOptions): Promise<Fleet> {
    options.signal.throwIfAborted();
    const schemas = { outgoing: requestSchema, incoming: replySchema };
    // First the one that may be refused.
    const door = options.door && (await ControlServer.bind({ ...schemas, ...doorOf(options.door) }));
    const server = await ControlServer.bind(schemas);
    const fleet = new Fleet(options, { server, door });
    options.signal.addEventListener('abort', fleet.#onAbort, { once: true });
    if (options.signal.aborted) fleet.#onAbort();
    fleet.#listening = Promise.all([server, door].map((each) => each && fleet.#listen(each)));
    fleet.#timer = setInterval(() => fleet.#look(), CHECK_MILLISECONDS);
    fleet.#timer.unref();
    return fleet;
  }

  /** Starts a process of this machine in a role, and waits until it has said hello. */
  async spawn(role: string, options: Omit<ChildOptions, 'args'>): Promise<void> {
    if (this.#failure) throw this.#failure;
    // An id of its own, so that nothing that was for one before it in the role comes to it.
    const id = `${role}#${randomUUID()}`;
    const args = ['--peer', id, '--coordinator', this.#server.endpoint];
    const environment = { ...options.environment, ...this.#log.environment };
    const member = new Member(id, role, new Child(role, { ...options, environment, args }));
    this.#members.set(id, member);
    this.#log.started(member);
    void member.child!.ended.then((ending) => this.#fail(member, new Error(describeEnding(ending))));
    await this.#greeted(member);
  }

  /** Which stages a worker holds, for the report of a failure. */
  assign(role: string, stages: readonly number[]): void {
    this.#stages.set(role, stages);
  }

  /** Workers that have a part, in order. */
  get workers(): readonly Member[] {
    return [...this.#members.values()].filter((member) => isWorker(member) && !member.lost).toSorted(byRole);
  }

  has(role: string): boolean {
    return this.#find(role) !== undefined;
  }

  /** Who has a role. */
  member(role: string): Member {
    const member = this.#find(role);
    if (!member) throw new Error(`no ${role} in this run`);
    return member;
  }

  #find(role: string): Member | undefined {
    return [...this.#members.values()].find((member) => member.role === role && !member.lost);
  }

  /** Where workers of other hosts come in, as they are told. */
  get doorstep(): string | undefined {
    return this.#door?.endpoint;
  }

  /** Whether everybody's data links ask for keys. */
  get secured(): boolean {
    return this.#options.door?.known !== undefined;
  }

  /** Workers of other hosts that have no part, in the order in which they came. */
  get idle(): readonly Member[] {
    return [...this.#members.values()].filter(({ role, lost, welcome }) => welcome && role === undefined && !lost);
  }

  /** Resolves when somebody has come, or after so many milliseconds. */
  async arrival(milliseconds: number): Promise<void> {
    const ended = AbortSignal.any([this.#waits.signal, AbortSignal.timeout(milliseconds)]);
    await new Promise<void>((resolve) => {
      ended.addEventListener('abort', () => resolve(), { once: true });
      this.#arrivals.push(resolve);
    });
    if (this.#failure) throw this.#failure;
  }

  get pids(): readonly number[] {
    return [...this.#members.values()].map((member) => member.pid);
  }

  pid(role: string): number {
    return this.#find(role)?.pid ?? -1;
  }

  /** Gives the workers that are there new numbers, in this order; any other has no part. */
  seat(workers: readonly Member[]): void {
    for (const member of this.#members.values()) if (isWorker(member)) member.role = undefined;
    workers.forEach((member, k) => (member.role = workerName(k)));
  }

  /**
   * Sends a request and waits for its reply, however long the process is alive.
   *
   * @param background it goes on beside what the process does, and does not say what that is
   */
  async request<K extends Request['kind']>(
    role: string,
    kind: K,
    order: Order<K>,
    background = false,
  ): Promise<ReplyTo<K>> {
    if (this.#failure) throw this.#failure;
    return this.#ask(this.member(role), kind, order, background);
  }

  /** The same request to every worker; `order` may depend on the worker. */
  async requestAll<K extends Request['kind']>(kind: K, order: (worker: number) => Order<K>): Promise<ReplyTo<K>[]> {
    return Promise.all(this.workers.map((_, k) => this.request(workerName(k), kind, order(k))));
  }

  async #ask<K extends Request['kind']>(
    member: Member,
    kind: K,
    order: Order<K>,
    background = false,
  ): Promise<ReplyTo<K>> {
    const id = this.#nextId++;
    const reply = member.wait(id, { kind, step: (order as { step?: number }).step, background });
    // The union's members differ by kind alone here; the schema checks the whole on the way out.
    const request = { ...order, kind, id } as unknown as Request;
    await this.#serverOf(member)
      .send(member.id, request)
      .catch((error: unknown) => this.#unreachable(member, error));
    const asked = performance.now();
    const answer = (await reply) as ReplyTo<K>;
    this.#log.answered(member, request, answer, performance.now() - asked);
    return answer;
  }

  /** A process whose socket is gone is about to be known to have ended: that it did says more than that it cannot be reached. */
  async #unreachable(member: Member, error: unknown): Promise<void> {
    if (member.child) await Promise.race([member.child.ended, sleep(ENDING_MILLISECONDS, undefined, { ref: false })]);
    this.#fail(member, error);
  }

  /** What the run failed with, until it is regrouped. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Aborts when the run fails or is stopped: for waits on the data plane. */
  get ended(): AbortSignal {
    return this.#waits.signal;
  }

  async #greeted(member: Member): Promise<void> {
    const timer = setTimeout(() => {
      this.#fail(member, new Error(`it did not report within ${START_MILLISECONDS / 1000} s of its start`));
    }, START_MILLISECONDS);
    try {
      if (!member.greeting) await member.wait(-1, { kind: 'its start' });
    } finally {
      clearTimeout(timer);
    }
  }

  async #listen(server: ControlServer<Reply, Request>): Promise<void> {
    for await (const { peer: name, message } of server.messages(this.#closing.signal)) {
      const watched = lookoutFor(name);
      if (watched !== undefined) {
        // Of those that are known alone: whoever is not, is to end.
        if (this.#members.has(watched)) void server.echo(name);
        continue;
      }
      const member = this.#members.get(bodyOf(name));
      if (!member) {
        if (server === this.#door && message.kind === 'hello') this.#admit(name, message);
        continue;
      }
      if (message.kind !== 'malformed') this.#receive(member, message);
      else this.#fail(member, new Error(`it sent a message that does not parse: ${message.reason}`));
    }
  }

  /** A worker of another host is at the door. */
  #admit(id: string, hello: Greeting): void {
    const { host } = hello;
    const refusal = refusalOf(host);
    if (!host || refusal !== undefined || this.#stopping) {
      const stop = {
        kind: 'stop',
        id: this.#nextId++,
        refusal: { problem: refusal ?? 'the run has ended', again: false },
      } as const;
      void this.#door!.send(id, stop).catch(() => {});
      return;
    }
    const member = new Member(id, undefined, undefined);
    member.greeting = hello;
    this.#members.set(id, member);
    this.#log.greeted(member);
    const before = [...this.#members.values()].find((other) => other.id === host.replaces);
    if (before) this.#fail(before, new Error(`its process on ${host.name} ended, and another has come in its place`));
    this.#ask(member, 'welcome', { deadMilliseconds: this.#silence }).then(
      () => {
        member.welcome = true;
        for (const tell of this.#arrivals.splice(0)) tell();
      },
      () => {},
    );
  }

  get #silence(): number {
    return this.#options.heartbeatMilliseconds ?? SILENCE_MILLISECONDS;
  }

  #serverOf({ child }: Member): ControlServer<Reply, Request> {
    return child ? this.#server : this.#door!;
  }

  #receive(member: Member, message: Reply): void {
    member.silent = 0;
    if ('id' in message) return member.settle(message.id, message);
    switch (message.kind) {
      case 'hello':
        member.greeting = message;
        this.#log.greeted(member);
        return member.settle(-1, message);
      case 'heartbeat':
        member.pulse = { doing: message.doing ?? 'computing', progress: message.progress ?? 0 };
        return;
      case 'doing':
        return member.at(message.action, message.step);
      case 'failed':
        member.doing = message.during;
        member.step = message.step;
        this.#fail(member, new RemoteError(message.error));
    }
  }

  #look(): void {
    const { silent, stalled } = this.#watch.look([...this.#members.values()]);
    for (const member of silent) this.#fail(member, new SilenceError(member.silent));
    if (stalled === undefined) return;
    // Nobody is to blame, and nobody need go: what was lost is sent anew.
    const waiting = [...this.#members.values()].find(({ asked, lost }) => asked && !lost);
    if (waiting) this.#end(this.#noted(waiting, new StallError(stalled)));
  }

  readonly #onAbort = (): void => {
    this.#end(this.#options.signal.reason);
    this.#closing.abort(this.#failure);
  };

  #fail(member: Member, cause: unknown): void {
    if (this.#stopping || member.lost) return;
    const failure = this.#noted(member, cause);
    member.lost = true;
    // Somebody who has no part takes nothing with him.
    if (member.role !== undefined) this.#end(failure);
    member.reject(failure);
  }

  #noted(member: Member, cause: unknown): RunFailure {
    const failure = failureOf(member, cause, this.#members.values(), this.#stages);
    this.#log.failed(failure);
    return failure;
  }

  #end(reason: unknown): void {
    if (this.#failure) return;
    this.#failure = reason instanceof Error ? reason : new Error(String(reason));
    for (const member of this.#members.values()) member.reject(this.#failure);
    this.#waits.abort(this.#failure);
  }

  /**
   * After a failure: ends those who failed, and has all others drop what they were doing. Who is lost meanwhile is ended, too.
   * Returns the roles of the lost.
   */
  async regroup(): Promise<readonly string[]> {
    const lost: string[] = [];
    for (;;) {
      this.#options.signal.throwIfAborted();
      lost.push(...(await this.#dropLost()));
      this.#failure = undefined;
      this.#waits = new AbortController();
      this.#watch.reset();
      const left = [...this.#members.values()].filter(({ greeting, role }) => greeting && role !== undefined);
      await Promise.all(left.map((member) => this.#ask(member, 'abandon', {}).catch(() => {})));
      this.#log.regrouped(lost, left);
      if (!this.#failure) return lost;
    }
  }

  /** Ends processes that failed, and those that never came as far as to say hello. */
  async #dropLost(): Promise<readonly string[]> {
    const gone = [...this.#members.values()].filter(({ lost, greeting }) => lost || !greeting);
    for (const member of gone) await this.#drop(member);
    return gone.flatMap(({ role }) => role ?? []);
  }

  /** Ends a process that the run goes on without. */
  async dismiss(role: string): Promise<void> {
    const member = this.#find(role);
    if (member) await this.#drop(member, GRACE_MILLISECONDS);
  }

  async #drop(member: Member, grace = 0): Promise<void> {
    member.lost = true;
    this.#log.dropped(member);
    if (grace > 0 || !member.child) {
      // Where another started it, another in its place may do better.
      const refusal = grace > 0 ? {} : { refusal: { problem: 'it failed', again: true } };
      await this.#serverOf(member)
        .send(member.id, { kind: 'stop', id: this.#nextId++, ...refusal })
        .catch(() => {});
    }
    await member.child?.terminate(grace);
    this.#members.delete(member.id);
  }

  /** Ends every process, politely first, and closes the sockets. Never throws. */
  async close(): Promise<void> {
    this.#stopping = true;
    const members = [...this.#members.values()];
    if (!this.#failure) {
      await Promise.race([
        // A process that is gone has stopped, whether its answer arrived or was lost with it.
        Promise.allSettled(members.map((member) => Promise.race([this.#ask(member, 'stop', {}), member.child?.ended]))),
        sleep(GRACE_MILLISECONDS, undefined, { ref: false }),
      ]);
    }
    this.#end(new Error('the run has ended'));
    this.#closing.abort(this.#failure);
    clearInterval(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    await Promise.all(members.map(async (member) => member.child?.terminate(GRACE_MILLISECONDS)));
    this.#server.close();
    // What says that the run has ended may still be on its way to other hosts.
    this.#door?.close(GRACE_MILLISECONDS);
    await this.#listening.catch(() => {});
  }
}

const byRole = (a: Member, b: Member): number => numberOf(a.role!) - numberOf(b.role!);
