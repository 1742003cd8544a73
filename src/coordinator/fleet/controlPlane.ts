import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlServer } from '../../transport/control.ts';
import { workerName } from '../../transport/names.ts';
import { PeerError } from '../../transport/errors.ts';
import { onAbort } from '../../transport/onAbort.ts';
import type { Reply, ReplyTo, Request, RequestOf } from '../../transport/protocol.ts';
import { FleetLog } from './fleetLog.ts';
import type { FleetOptions } from './fleetOptions.ts';
import type { Member } from './member.ts';
import { Roster } from './roster.ts';

/** A request without its id, which the fleet gives. */
export type Order<K extends Request['kind']> = Omit<RequestOf<K>, 'id' | 'kind'>;

/** The sockets of the control plane. */
export interface Sockets {
  readonly server: ControlServer<Reply, Request>;
  readonly door: ControlServer<Reply, Request> | undefined;
}

/** For how long the news of a process's end may be on its way when its socket is gone already. */
const ENDING_MILLISECONDS = 2_000;
const SILENCE_MILLISECONDS = 30_000;
/** Between two attempts to tell something to a host whose connection is broken. */
const AGAIN_MILLISECONDS = 200;

/** Requests to processes, and their replies. The first failure ends every wait. */
export abstract class ControlPlane extends Roster {
  /** What the run failed with, until it is regrouped. */
  failure: Error | undefined;
  protected readonly options: FleetOptions;
  readonly log: FleetLog;
  protected readonly server: ControlServer<Reply, Request>;
  /** Where workers of other hosts come in; processes of this machine have a socket of their own, which nobody else reaches. */
  protected readonly door: ControlServer<Reply, Request> | undefined;
  protected nextId = 0;
  /** Aborts with the failure; another one after each regrouping. */
  protected waits = new AbortController();

  constructor(options: FleetOptions, { server, door }: Sockets) {
    super();
    this.options = options;
    this.log = new FleetLog(options.log);
    this.server = server;
    this.door = door;
  }

  /** A process is of no use any more. */
  protected abstract fail(member: Member, cause: unknown): void;

  /** Where workers of other hosts come in, as they are told. */
  get doorstep(): string | undefined {
    return this.door?.endpoint;
  }

  /** Whether everybody's data links ask for keys. */
  get secured(): boolean {
    return this.options.door?.known !== undefined;
  }

  /** Resolves when somebody has come, or after so many milliseconds. */
  async arrival(milliseconds: number): Promise<void> {
    if (this.failure) throw this.failure;
    // Not AbortSignal.any of a timeout: nothing holds such a signal, and once it is collected it never aborts.
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), milliseconds);
    const settled = onAbort(this.waits.signal, () => over.abort());
    try {
      await this.nextArrival(over.signal);
    } finally {
      clearTimeout(timer);
      settled();
    }
    if (this.failure) throw this.failure;
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
    if (this.failure) throw this.failure;
    return this.ask(this.member(role), kind, order, background);
  }

  /** The same request to every worker; `order` may depend on the worker. */
  async requestAll<K extends Request['kind']>(kind: K, order: (worker: number) => Order<K>): Promise<ReplyTo<K>[]> {
    return Promise.all(this.workers.map((_, k) => this.request(workerName(k), kind, order(k))));
  }

  protected async ask<K extends Request['kind']>(
    member: Member,
    kind: K,
    order: Order<K>,
    background = false,
  ): Promise<ReplyTo<K>> {
    const id = this.nextId++;
    const { step, purpose } = order as { step?: number; purpose?: string };
    const reply = member.wait(id, { kind, step, evaluation: purpose === 'evaluate', background });
    // The union's members differ by kind alone here; the schema checks the whole on the way out.
    const request = { ...order, kind, id } as unknown as Request;
    const sent = member.said.then(() => this.deliver(member, request));
    member.said = sent.catch(() => {});
    await sent.catch((error: unknown) => this.unreachable(member, error));
    const asked = performance.now();
    const answer = (await reply) as ReplyTo<K>;
    this.log.answered(member, request, answer, performance.now() - asked);
    return answer;
  }

  /** For how long a process may be silent. */
  protected get silence(): number {
    return this.options.heartbeatMilliseconds ?? SILENCE_MILLISECONDS;
  }

  /**
   * Hands a request to the socket. Where the connection to another host is broken, which that makes anew, it is kept until then;
   * for no longer than silence would be borne, or the answer is waited for.
   */
  private async deliver(member: Member, request: Request): Promise<void> {
    const end = performance.now() + this.silence;
    while (member.awaits(request.id)) {
      try {
        return await this.serverOf(member).send(member.id, request);
      } catch (error) {
        const broken = error instanceof PeerError && error.reason === 'unknown' && !member.child && !member.lost;
        if (!broken || performance.now() > end) throw error;
        await sleep(AGAIN_MILLISECONDS);
      }
    }
  }

  /** A process whose socket is gone is about to be known to have ended: that it did says more than that it cannot be reached. */
  private async unreachable(member: Member, error: unknown): Promise<void> {
    if (member.child) await Promise.race([member.child.ended, sleep(ENDING_MILLISECONDS, undefined, { ref: false })]);
    this.fail(member, error);
  }

  /** Aborts when the run fails or is stopped: for waits on the data plane. */
  get ended(): AbortSignal {
    return this.waits.signal;
  }

  protected serverOf({ child }: Member): ControlServer<Reply, Request> {
    return child ? this.server : this.door!;
  }

  protected end(reason: unknown): void {
    if (this.failure) return;
    this.failure = reason instanceof Error ? reason : new Error(String(reason));
    for (const member of this.members.values()) member.reject(this.failure);
    this.waits.abort(this.failure);
  }
}
