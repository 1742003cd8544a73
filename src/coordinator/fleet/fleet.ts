import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { ControlServer } from '../../transport/control.ts';
import { bodyOf, lookoutFor } from '../../transport/names.ts';
import { replySchema, requestSchema, type Dismissal, type Reply, type Request } from '../../transport/protocol.ts';
import { HangError, LeftError, RemoteError, SilenceError, StallError, type RunFailure } from '../errors.ts';
import { Child, describeEnding, type ChildOptions } from './child.ts';
import { failureOf } from './failure.ts';
import { ControlPlane, type Sockets } from './controlPlane.ts';
import type { FleetOptions } from './fleetOptions.ts';
import { doorOf, refusalOf } from './door.ts';
import { Member, type Greeting } from './member.ts';
import { CHECK_MILLISECONDS, Watch } from './watch.ts';

const START_MILLISECONDS = 60_000;
const GRACE_MILLISECONDS = 2_000;
const STALL_MILLISECONDS = 120_000;
/**
 * The processes of a run, and the control plane to them.
 *
 * The first failure wins: whether a process says that it failed, ends, or falls silent, every request that is waited for is
 * rejected with that one error, and so is every later one, until `regroup` has those that are left begin anew.
 */
export class Fleet extends ControlPlane {
  readonly #closing = new AbortController();
  readonly #watch: Watch;
  #listening: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  /** What those are told who come too late. */
  #farewell: { dismissal?: Dismissal } = {};
  /** Those who went for good: none comes in their places by itself. */
  readonly #left = new Set<string>();

  private constructor(options: FleetOptions, sockets: Sockets) {
    super(options, sockets);
    this.#watch = new Watch({
      silence: this.silence,
      stall: options.stallMilliseconds ?? STALL_MILLISECONDS,
      hang: options.hangMilliseconds ?? Infinity,
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
    fleet.#listening = Promise.all([server, ...(door ? [door] : [])].map((each) => fleet.#listen(each)));
    fleet.#timer = setInterval(() => fleet.#look(), CHECK_MILLISECONDS);
    fleet.#timer.unref();
    return fleet;
  }

  /** Starts a process of this machine in a role, and waits until it has said hello. */
  async spawn(role: string, options: Omit<ChildOptions, 'args'>): Promise<void> {
    if (this.failure) throw this.failure;
    // An id of its own, so that nothing that was for one before it in the role comes to it.
    const id = `${role}#${randomUUID()}`;
    const args = ['--peer', id, '--coordinator', this.server.endpoint];
    const environment = { ...options.environment, ...this.log.environment };
    const member = new Member(id, role, new Child(role, { ...options, environment, args }));
    this.members.set(id, member);
    this.log.started(member);
    void member.child!.ended.then((ending) => this.fail(member, new Error(describeEnding(ending))));
    await this.#greeted(member);
  }

  async #greeted(member: Member): Promise<void> {
    const timer = setTimeout(() => {
      this.fail(member, new Error(`it did not report within ${START_MILLISECONDS / 1000} s of its start`));
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
        const member = this.members.get(watched);
        if (member && message.kind === 'leaving') this.#receive(member, message);
        // Of those that are known alone: whoever is not, is to end.
        else if (member) void server.echo(name);
        continue;
      }
      const member = this.members.get(bodyOf(name));
      if (!member) {
        if (server === this.door && message.kind === 'hello') this.#admit(name, message);
        continue;
      }
      if (message.kind !== 'malformed') this.#receive(member, message);
      else this.fail(member, new Error(`it sent a message that does not parse: ${message.reason}`));
    }
  }

  /** A worker of another host is at the door. */
  #admit(id: string, hello: Greeting): void {
    const problem = refusalOf(hello.host);
    if (!hello.host || problem !== undefined || this.#stopping) {
      const refused = { dismissal: { kind: 'refused', problem: problem ?? '' } } as const;
      const farewell = problem === undefined ? this.#farewell : refused;
      void this.door!.send(id, { kind: 'stop', id: this.nextId++, ...farewell }).catch(() => {});
      return;
    }
    const member = new Member(id, undefined, undefined);
    member.greeting = hello;
    this.members.set(id, member);
    this.log.greeted(member);
    const before = this.members.get(hello.host.replaces ?? '');
    if (before)
      this.fail(before, new Error(`its process on ${hello.host.name} ended, and another has come in its place`));
    void this.ask(member, 'welcome', { deadMilliseconds: this.silence })
      .then(() => this.arrived(member))
      .catch(() => {});
  }

  #receive(member: Member, message: Reply): void {
    member.silent = 0;
    if ('id' in message) return member.settle(message.id, message);
    switch (message.kind) {
      case 'hello':
        member.greeting = message;
        this.log.greeted(member);
        return member.settle(-1, message);
      case 'heartbeat':
        member.pulse = { doing: message.doing ?? 'computing', progress: message.progress ?? 0 };
        return;
      case 'doing':
        return member.at(message.action, message.step);
      case 'failed':
        member.at(message.during, message.step);
        return this.fail(member, new RemoteError(message.error));
      case 'leaving':
        if (!message.again) this.#left.add(member.id);
        return this.fail(member, new LeftError(message.problem));
    }
  }

  #look(): void {
    const { silent, hung, stalled } = this.#watch.look([...this.members.values()]);
    for (const member of silent) this.fail(member, new SilenceError(member.silent));
    for (const { member, milliseconds } of hung) this.fail(member, new HangError(milliseconds));
    if (stalled === undefined) return;
    // Nobody is to blame, and nobody need go: what was lost is sent anew.
    const waiting = [...this.members.values()].find(({ asked, lost }) => asked && !lost);
    if (waiting) this.end(this.#noted(waiting, new StallError(stalled)));
  }

  readonly #onAbort = (): void => this.end(this.options.signal.reason);

  protected override fail(member: Member, cause: unknown): void {
    // Whoever is gone has stopped, whether its answer arrived or was lost with it.
    if (this.#stopping) return member.reject(cause);
    if (member.lost) return;
    const failure = this.#noted(member, cause);
    member.lost = true;
    // Somebody who has no part takes nothing with him.
    if (member.role !== undefined) this.end(failure);
    member.reject(failure);
  }

  #noted(member: Member, cause: unknown): RunFailure {
    return this.log.failed(failureOf(member, cause, this.members.values(), this.stages));
  }

  /**
   * After a failure: ends those who failed, and has all others drop what they were doing. Who is lost meanwhile is ended, too.
   * Returns the roles of the lost.
   */
  async regroup(): Promise<readonly string[]> {
    const lost: string[] = [];
    for (;;) {
      this.options.signal.throwIfAborted();
      lost.push(...(await this.#dropLost()));
      this.failure = undefined;
      this.waits = new AbortController();
      this.#watch.reset();
      const left = [...this.members.values()].filter(({ greeting, role }) => greeting && role !== undefined);
      await Promise.all(left.map((member) => this.ask(member, 'abandon', {}).catch(() => {})));
      this.log.regrouped(lost, left);
      if (!this.failure) return lost;
    }
  }

  /** Ends processes that failed, and those that never came as far as to say hello. */
  async #dropLost(): Promise<readonly string[]> {
    const gone = [...this.members.values()].filter(({ lost, greeting }) => lost || !greeting);
    for (const member of gone) await this.#drop(member);
    return gone.flatMap(({ role }) => role ?? []);
  }

  /** Ends a process that the run goes on without. */
  async dismiss(role: string): Promise<void> {
    const member = this.find(role);
    if (member) await this.#drop(member, GRACE_MILLISECONDS);
  }

  /** Sends a worker of another host away, which is of no use here. */
  async turnAway(role: string, problem: string): Promise<void> {
    await this.#drop(this.member(role), 0, { kind: 'refused', problem });
  }

  /** Whether a worker of another host went for good, so that none comes in its place by itself. */
  hasLeft(id: string): boolean {
    return this.#left.has(id);
  }

  async #drop(
    member: Member,
    grace = 0,
    // Where another started it, another in its place may do better.
    dismissal: Dismissal = { kind: 'replaced', problem: 'it failed' },
  ): Promise<void> {
    member.lost = true;
    this.log.dropped(member);
    if (grace > 0 || !member.child) {
      const why = grace > 0 ? {} : { dismissal };
      await this.serverOf(member)
        .send(member.id, { kind: 'stop', id: this.nextId++, ...why })
        .catch(() => {});
    }
    await member.child?.terminate(grace);
    this.members.delete(member.id);
  }

  /**
   * Ends every process, politely first, and closes the sockets. Workers of other hosts are told why the run has ended: because of
   * its failure, unless something else is said; nothing means well. Never throws.
   */
  async close(dismissal = dismissalOf(this.failure, this.options.signal)): Promise<void> {
    this.#farewell = dismissal ? { dismissal } : {};
    this.#stopping = true;
    const members = [...this.members.values()];
    // After a failure processes of this machine end as their channel closes; those of others wait to be told.
    const told = this.failure ? members.filter(({ child }) => !child) : members;
    await Promise.race([
      Promise.allSettled(told.map((member) => this.ask(member, 'stop', member.child ? {} : this.#farewell))),
      sleep(GRACE_MILLISECONDS, undefined, { ref: false }),
    ]);
    this.end(new Error('the run has ended'));
    this.#closing.abort(this.failure);
    clearInterval(this.#timer);
    this.options.signal.removeEventListener('abort', this.#onAbort);
    await Promise.all(members.map(async (member) => member.child?.terminate(GRACE_MILLISECONDS)));
    this.log.refused([this.server.counters, this.door?.counters ?? {}]);
    this.server.close();
    // What says that the run has ended may still be on its way to other hosts.
    this.door?.close(GRACE_MILLISECONDS);
    await this.#listening.catch(() => {});
  }
}

/** What the workers of other hosts are told of a run that has ended so. */
export function dismissalOf(error: unknown, stopped: AbortSignal): Dismissal | undefined {
  if (error === undefined) return undefined;
  return {
    kind: stopped.aborted ? 'interrupted' : 'failed',
    problem: error instanceof Error ? error.message : inspect(error),
  };
}
