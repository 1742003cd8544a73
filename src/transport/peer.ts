import { ControlClient } from './control.ts';
import { AbandonedError } from './errors.ts';
import { facingAddress } from './facingAddress.ts';
import { startHeart } from './heart.ts';
import { noJournal, type Journal } from './journal.ts';
import { greets } from './greets.ts';
import { readKeyFile } from './keyFile.ts';
import { newKeyPair } from './keyPair.ts';
import type { LinkEvent } from './linkEvents.ts';
import { heartOf } from './names.ts';
import { parsePeerArguments, type Joining, type PeerArguments } from './peerArguments.ts';
import { Pulse } from './pulse.ts';
import {
  replyKinds,
  replySchema,
  requestSchema,
  type Dismissal,
  type Reply,
  type ReplyTo,
  type Request,
  type RequestOf,
} from './protocol.ts';
import { logRequest } from './requestLog.ts';
import type { ConnectOptions } from './openSocket.ts';
import type { Station } from './station.ts';
import { tellParent } from './tidings.ts';

/** Requests that the peer answers by itself. */
type Own = 'stop' | 'abandon' | 'welcome';

/** The answer to each kind of request that this peer understands, without the kind and id that go with it. */
export type Handlers = {
  [K in Exclude<Request['kind'], Own>]?: (request: RequestOf<K>) => Promise<Omit<ReplyTo<K>, 'kind' | 'id'>>;
};

export interface Service {
  readonly handlers: Handlers;
  /** Lets go of what belongs to the run in progress: another is laid out, or none. */
  readonly abandon: () => void;
  /** Lets go of everything; what it returns is for the log. */
  readonly dispose: () => Readonly<Record<string, unknown>> | void;
  /** Requests that do not wait for those before them, and go on beside those after them. */
  readonly atOnce?: readonly Request['kind'][];
}

const HEARTBEAT_MILLISECONDS = 1000;
const LAST_WORD_MILLISECONDS = 500;
/** Handshakes in a row that may be broken off by an end that greets as ours do. */
const BROKEN_OFF = 2;

/**
 * A process of a run, as seen from inside: says hello, answers one request after the other, and ends when it is told to or when
 * the coordinator is gone.
 *
 * One that the coordinator started hears of its end by the channel between the two. One of another host comes by itself, is told
 * `welcome`, and ends with whoever started it there, who looks out for the coordinator.
 */
export class Peer {
  /** What its main thread is at. */
  readonly pulse = new Pulse();
  /** What it is called in the run: `worker 1`. */
  role: string;
  /** Where its data links listen, and with which keys. */
  readonly station: Station;
  readonly #id: string;
  readonly #ended = new AbortController();
  readonly #client: ControlClient<Request, Reply>;
  readonly #coordinator: Pick<ConnectOptions, 'endpoint' | 'security'>;
  readonly #joining: Joining | undefined;
  readonly #journal: Journal;
  /** Aborts what is being done. */
  #work = new AbortController();
  /** What is being done beside that. */
  readonly #beside = new Set<Promise<void>>();
  #during = 'its start';
  #step: number | undefined;
  /** Whether the coordinator has taken it in. */
  #joined = false;
  /** Handshakes that were broken off, and that had begun after somebody was known to be there. */
  #brokenOff = 0;
  #greeted = false;
  #exitCode = 0;

  private constructor(
    { id, coordinator: endpoint, joining }: PeerArguments,
    station: Station,
    journal: (role: string) => Journal,
  ) {
    this.#id = id;
    this.role = id.replace(/#.*$/, '');
    this.station = station;
    this.#joining = joining;
    this.#coordinator = { endpoint, security: securityOf(joining) };
    this.#journal = journal(this.role);
    this.#client = ControlClient.connect({
      ...{ ...this.#coordinator, peer: id, incoming: requestSchema, outgoing: replySchema },
      ...(joining ? { onEvent: (event) => this.#onLink(event) } : {}),
    });
    this.#ended.signal.addEventListener('abort', () => this.#work.abort(this.#ended.signal.reason));
  }

  /** From the arguments that this process was given; `journal` opens where it writes down what it does. */
  static async fromArguments(journal: (role: string) => Journal = () => noJournal): Promise<Peer> {
    const given = parsePeerArguments();
    const { coordinator, joining } = given;
    const at = joining && {
      host: joining.listen ?? (await facingAddress(coordinator)),
      ...{ ports: joining.ports, advertise: joining.advertise },
    };
    return new Peer(given, { at, keys: newKeyPair() }, journal);
  }

  /** Aborts when what is being done is no longer wanted, or the run ends: every wait of this process takes it. */
  get signal(): AbortSignal {
    return this.#work.signal;
  }

  /** Takes another role. */
  rename(role: string): void {
    if (role !== this.role) this.#journal.rename(role);
    this.role = role;
    process.title = `lamp ${role}`;
    if (this.#joined) void tellParent({ kind: 'seated', role });
  }

  /** Tells the coordinator which action begins, so that it can name it if this process dies in it. */
  async doing(step: number, action: string): Promise<void> {
    this.#during = action;
    this.#step = step;
    this.pulse.advance();
    this.#journal.debug(action, { step });
    await this.#client.send({ kind: 'doing', step, action });
  }

  /** Serves until the run ends, then lets go of everything, and ends the process. */
  async serve(service: Service): Promise<never> {
    this.rename(this.role);
    // The channel to the coordinator closes when that process is gone, however it went.
    process.once('disconnect', () => this.#orphaned());
    // It may have gone while this process was still loading.
    if (!process.connected) this.#orphaned();
    if (!this.#joining) {
      await this.#startHeart();
      await this.#hello();
    }
    await this.#answer(service);
    const left = service.dispose();
    this.#journal.info('ends', { during: this.#during, ...left });
    this.#client.close(LAST_WORD_MILLISECONDS);
    process.exit(this.#exitCode);
  }

  async #hello(): Promise<void> {
    const { host } = this.#joining ?? {};
    const { publicKey: key } = this.station.keys;
    await this.#client.send({ kind: 'hello', pid: process.pid, key, ...(host ? { host } : {}) });
    this.#journal.info('said hello', { id: this.#id, coordinator: this.#coordinator.endpoint });
  }

  /** What becomes of the connection to a coordinator that knows nothing of this process yet. */
  #onLink({ kind, detail, brokeOff }: LinkEvent): void {
    if (this.#joined || this.#ended.signal.aborted) return;
    // Again after each break of the connection: it may have been lost with it.
    if (kind === 'connected') void this.#hello().catch(() => {});
    if (kind === 'disconnected') void tellParent({ kind: 'disconnected', problem: detail });
    if (kind !== 'handshake failed') return;
    if (brokeOff) void this.#brokeOff(detail);
    else void this.#dismissed({ kind: 'refused', problem: detail });
  }

  /**
   * Whatever forwards to the coordinator (a port of a container, a service of Kubernetes) takes connections before that listens,
   * and breaks them off. One who has another key breaks off, too, but greets before.
   */
  async #brokeOff(problem: string): Promise<void> {
    void tellParent({ kind: 'disconnected', problem });
    if (!this.#coordinator.security) return;
    if (this.#greeted && ++this.#brokenOff >= BROKEN_OFF) await this.#dismissed({ kind: 'refused', problem });
    this.#greeted = await greets(this.#coordinator.endpoint);
    if (!this.#greeted) this.#brokenOff = 0;
  }

  /** The coordinator has taken it in, and answers its heartbeats from now on. */
  async #welcome({ id, deadMilliseconds }: RequestOf<'welcome'>): Promise<void> {
    if (!this.#joined) {
      this.#joined = true;
      await this.#startHeart();
      await tellParent({ kind: 'joined', deadMilliseconds });
    }
    await this.#client.send({ kind: 'joined', id });
  }

  async #dismissed(dismissal: Dismissal): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#exitCode = 1;
    this.#journal.info('was sent away', dismissal);
    await tellParent({ kind: 'dismissed', dismissal });
    this.#end();
  }

  /** Whoever started it is gone. That knows of the coordinator, which may not know of that. */
  #orphaned(): void {
    const leaving = { kind: 'leaving', problem: 'what had started it on its host is gone', again: false } as const;
    if (this.#joining && this.#joined) this.#client.send(leaving).catch(() => {});
    this.#end();
  }

  #startHeart(): Promise<void> {
    return startHeart({
      ...this.#coordinator,
      name: heartOf(this.#id),
      milliseconds: HEARTBEAT_MILLISECONDS,
      pulse: this.pulse.memory,
    });
  }

  async #answer(service: Service): Promise<void> {
    let last: Promise<void> = Promise.resolve();
    for await (const request of this.#client.messages(this.#ended.signal)) {
      if (request.kind === 'malformed') await this.#failed(new Error(`a request does not parse: ${request.reason}`));
      else if (request.kind === 'stop') {
        await this.#client.send({ kind: 'stopped', id: request.id });
        if (request.dismissal) await this.#dismissed(request.dismissal);
        this.#end();
      } else if (request.kind === 'welcome') await this.#welcome(request);
      else if (request.kind === 'abandon') {
        const doing = last;
        this.#work.abort(new AbandonedError());
        last = this.#abandon(service, doing, request.id);
      } else if (service.atOnce?.includes(request.kind)) this.#besides(this.#handle(service, request, true));
      else {
        const { signal } = this.#work;
        last = last.then(() => this.#handle(service, request, false, signal));
      }
    }
    await Promise.all([last, ...this.#beside]);
  }

  /** What goes on beside other requests is waited for where all is dropped. */
  #besides(work: Promise<void>): void {
    this.#beside.add(work);
    void work.finally(() => this.#beside.delete(work));
  }

  /** Waits until what was being done has ended, and is ready for another beginning. */
  async #abandon(service: Service, doing: Promise<void>, id: number): Promise<void> {
    await Promise.all([doing, ...this.#beside]);
    if (this.#ended.signal.aborted) return;
    this.#journal.info('has dropped what it did', { during: this.#during });
    service.abandon();
    this.#work = new AbortController();
    await this.#client.send({ kind: 'abandoned', id });
  }

  async #handle(
    { handlers }: Service,
    request: Exclude<Request, { kind: Own }>,
    beside: boolean,
    signal = this.#work.signal,
  ): Promise<void> {
    if (signal.aborted) return;
    if (!beside) {
      this.#during = request.kind;
      this.#step = 'step' in request ? request.step : undefined;
    }
    try {
      const handler = handlers[request.kind] as ((request: Request) => Promise<object>) | undefined;
      if (!handler) throw new Error(`${this.role} does not know how to ${request.kind}`);
      if (request.kind === 'start' && request.log) this.#journal.open(request.log.directory, request.log.level);
      const begun = performance.now();
      const body = await this.pulse.during(() => handler(request));
      logRequest(this.#journal, request, body, performance.now() - begun);
      if (!signal.aborted)
        await this.#client.send({ ...body, kind: replyKinds[request.kind], id: request.id } as Reply);
    } catch (error) {
      if (!signal.aborted) await this.#failed(error, request);
    }
  }

  /** What it was doing is the request, or the action within it, that came last; for a request that others overtook, that one. */
  async #failed(error: unknown, request?: Request): Promise<void> {
    if (request && 'step' in request && request.step !== this.#step) {
      this.#during = request.kind;
      this.#step = request.step;
    }
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    const step = this.#step === undefined ? {} : { step: this.#step };
    const report = { name, message, ...(stack === undefined ? {} : { stack }) };
    this.#journal.error('failed', { during: this.#during, ...step, error: report });
    await this.#client.send({ kind: 'failed', during: this.#during, ...step, error: report });
  }

  #end(): void {
    this.#ended.abort(new Error('the run has ended'));
  }
}

/** How it shows itself to the coordinator, where it has keys: on its own machine nobody asks. */
function securityOf(joining: Joining | undefined): ConnectOptions['security'] {
  if (joining?.keys === undefined) return undefined;
  const { keys, peerKey } = readKeyFile(joining.keys, 'worker');
  return { keys, serverKey: peerKey };
}
