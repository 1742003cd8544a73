import { parseArgs } from 'node:util';
import { ControlClient } from './control.ts';
import { encodeControl } from './controlCodec.ts';
import { AbandonedError } from './errors.ts';
import { startHeart } from './heart.ts';
import { noJournal, type Journal } from './journal.ts';
import { heartOf } from './names.ts';
import { Pulse } from './pulse.ts';
import {
  replyKinds,
  replySchema,
  requestSchema,
  type Reply,
  type ReplyTo,
  type Request,
  type RequestOf,
} from './protocol.ts';
import { logRequest } from './requestLog.ts';

/** Requests that the peer answers by itself. */
type Own = 'stop' | 'abandon';

/** The answer to each kind of request that this peer understands, without the kind and id that go with it. */
export type Handlers = {
  [K in Exclude<Request['kind'], Own>]?: (request: RequestOf<K>) => Promise<Omit<ReplyTo<K>, 'kind' | 'id'>>;
};

export interface Service {
  readonly handlers: Handlers;
  /** Lets go of what belongs to the run in progress: another is laid out, or none. */
  readonly abandon: () => void;
  /** Lets go of everything. */
  readonly dispose: () => void;
  /** Requests that do not wait for those before them, and go on beside those after them. */
  readonly atOnce?: readonly Request['kind'][];
}

const HEARTBEAT_MILLISECONDS = 1000;
const LAST_WORD_MILLISECONDS = 500;

/**
 * A process that the coordinator started, as seen from inside: says hello, answers one request after the other, and ends
 * when it is told to or when the coordinator is gone.
 */
export class Peer {
  /** What its main thread is at. */
  readonly pulse = new Pulse();
  /** What it is called in the run: `worker 1`. */
  role: string;
  readonly #id: string;
  readonly #ended = new AbortController();
  readonly #client: ControlClient<Request, Reply>;
  readonly #endpoint: string;
  readonly #journal: Journal;
  /** Aborts what is being done. */
  #work = new AbortController();
  /** What is being done beside that. */
  readonly #beside = new Set<Promise<void>>();
  #during = 'its start';
  #step: number | undefined;

  private constructor(id: string, endpoint: string, journal: (role: string) => Journal) {
    this.#id = id;
    this.role = id.replace(/#.*$/, '');
    this.#endpoint = endpoint;
    this.#journal = journal(this.role);
    this.#client = ControlClient.connect({ endpoint, peer: id, incoming: requestSchema, outgoing: replySchema });
    this.#ended.signal.addEventListener('abort', () => this.#work.abort(this.#ended.signal.reason));
  }

  /** From the arguments that the coordinator gave this process; `journal` opens where it writes down what it does. */
  static fromArguments(journal: (role: string) => Journal = () => noJournal): Peer {
    const options = { peer: { type: 'string' }, coordinator: { type: 'string' } } as const;
    const { peer, coordinator } = parseArgs({ options }).values;
    if (!peer || !coordinator) throw new Error('this process is started by the coordinator: see `lamp train --help`');
    return new Peer(peer, coordinator, journal);
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
    process.once('disconnect', () => this.#end());
    // It may have gone while this process was still loading.
    if (!process.connected) this.#end();
    await this.#startHeart();
    await this.#client.send({ kind: 'hello', pid: process.pid, key: null });
    this.#journal.info('said hello', { id: this.#id, coordinator: this.#endpoint });
    await this.#answer(service);
    service.dispose();
    this.#journal.info('ends', { during: this.#during });
    this.#client.close(LAST_WORD_MILLISECONDS);
    process.exit(0);
  }

  #startHeart(): Promise<void> {
    return startHeart({
      endpoint: this.#endpoint,
      name: heartOf(this.#id),
      beat: encodeControl({ kind: 'heartbeat' }, replySchema, 'the coordinator'),
      milliseconds: HEARTBEAT_MILLISECONDS,
    });
  }

  async #answer(service: Service): Promise<void> {
    let last: Promise<void> = Promise.resolve();
    for await (const request of this.#client.messages(this.#ended.signal)) {
      if (request.kind === 'malformed') await this.#failed(new Error(`a request does not parse: ${request.reason}`));
      else if (request.kind === 'stop') {
        await this.#client.send({ kind: 'stopped', id: request.id });
        this.#end();
      } else if (request.kind === 'abandon') {
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
