import { parseArgs } from 'node:util';
import { ControlClient } from './control.ts';
import { encodeControl } from './controlCodec.ts';
import { startHeart } from './heart.ts';
import { heartOf } from './names.ts';
import {
  replySchema,
  requestSchema,
  type Reply,
  type ReplyKinds,
  type ReplyTo,
  type Request,
  type RequestOf,
} from './protocol.ts';

/** The answer to each kind of request that this peer understands, without the kind and id that go with it. */
export type Handlers = {
  [K in Exclude<Request['kind'], 'stop'>]?: (request: RequestOf<K>) => Promise<Omit<ReplyTo<K>, 'kind' | 'id'>>;
};

const REPLIES: ReplyKinds = {
  start: 'started',
  profile: 'profiled',
  probe: 'probed',
  bind: 'bound',
  connect: 'connected',
  configure: 'configured',
  step: 'stepped',
  apply: 'applied',
  dump: 'dumped',
  feed: 'fed',
  memory: 'remembered',
  clock: 'told',
  stop: 'stopped',
};

const HEARTBEAT_MILLISECONDS = 1000;
const LAST_WORD_MILLISECONDS = 500;

/**
 * A process that the coordinator started, as seen from inside: says hello, answers one request after the other, and ends
 * when it is told to or when the coordinator is gone.
 */
export class Peer {
  readonly name: string;
  /** Aborts when the run ends: every wait of this process takes it. */
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #client: ControlClient<Request, Reply>;
  readonly #endpoint: string;
  #during = 'its start';
  #step: number | undefined;

  private constructor(name: string, endpoint: string) {
    this.name = name;
    this.signal = this.#abort.signal;
    this.#endpoint = endpoint;
    this.#client = ControlClient.connect({ endpoint, peer: name, incoming: requestSchema, outgoing: replySchema });
  }

  /** From the arguments that the coordinator gave this process. */
  static fromArguments(): Peer {
    const options = { peer: { type: 'string' }, coordinator: { type: 'string' } } as const;
    const { peer, coordinator } = parseArgs({ options }).values;
    if (!peer || !coordinator) throw new Error('this process is started by the coordinator: see `lamp train --help`');
    return new Peer(peer, coordinator);
  }

  /** Tells the coordinator which action begins, so that it can name it if this process dies in it. */
  async doing(step: number, action: string): Promise<void> {
    this.#during = action;
    this.#step = step;
    await this.#client.send({ kind: 'doing', step, action });
  }

  /**
   * Serves until the run ends, then lets go of what `dispose` names, and ends the process. Requests of the kinds in `atOnce` do not
   * wait for those before them.
   */
  async serve(handlers: Handlers, dispose: () => void, atOnce: readonly Request['kind'][] = []): Promise<never> {
    process.title = `lamp ${this.name}`;
    // The channel to the coordinator closes when that process is gone, however it went.
    process.once('disconnect', () => this.#end());
    // It may have gone while this process was still loading.
    if (!process.connected) this.#end();
    await this.#startHeart();
    await this.#client.send({ kind: 'hello', pid: process.pid });
    await this.#answer(handlers, atOnce);
    dispose();
    this.#client.close(LAST_WORD_MILLISECONDS);
    process.exit(0);
  }

  #startHeart(): Promise<void> {
    return startHeart({
      endpoint: this.#endpoint,
      name: heartOf(this.name),
      beat: encodeControl({ kind: 'heartbeat' }, replySchema, 'the coordinator'),
      milliseconds: HEARTBEAT_MILLISECONDS,
    });
  }

  async #answer(handlers: Handlers, atOnce: readonly Request['kind'][]): Promise<void> {
    let last: Promise<void> = Promise.resolve();
    for await (const request of this.#client.messages(this.signal)) {
      if (request.kind === 'malformed') await this.#failed(new Error(`a request does not parse: ${request.reason}`));
      else if (request.kind === 'stop') {
        await this.#client.send({ kind: 'stopped', id: request.id });
        this.#end();
      } else if (atOnce.includes(request.kind)) void this.#handle(handlers, request);
      else last = last.then(() => this.#handle(handlers, request));
    }
    await last;
  }

  async #handle(handlers: Handlers, request: Exclude<Request, { kind: 'stop' }>): Promise<void> {
    if (this.signal.aborted) return;
    this.#during = request.kind;
    this.#step = 'step' in request ? request.step : undefined;
    try {
      const handler = handlers[request.kind] as ((request: Request) => Promise<object>) | undefined;
      if (!handler) throw new Error(`${this.name} does not know how to ${request.kind}`);
      const body = await handler(request);
      await this.#client.send({ ...body, kind: REPLIES[request.kind], id: request.id } as Reply);
    } catch (error) {
      if (!this.signal.aborted) await this.#failed(error, request);
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
    await this.#client.send({ kind: 'failed', during: this.#during, ...step, error: report });
  }

  #end(): void {
    this.#abort.abort(new Error('the run has ended'));
  }
}
