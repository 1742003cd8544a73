import { ControlServer } from '../transport/control.ts';
import {
  replySchema,
  requestSchema,
  type Reply,
  type ReplyTo,
  type Request,
  type RequestOf,
} from '../transport/protocol.ts';
import { bodyOf, LOADER, workerName } from '../transport/names.ts';
import type { Device } from './devices.ts';
import { Child, describeEnding, entryFile } from './child.ts';
import { IDLE, RemoteError, RunFailure, SilenceError } from './errors.ts';

/** A request without its id, which the fleet gives. */
export type Order<K extends Request['kind']> = Omit<RequestOf<K>, 'id' | 'kind'>;

export interface FleetOptions {
  readonly workers: number;
  /** Whether a loader feeds the pipeline. Its one argument says from what, as JSON. */
  readonly loader?: { readonly configuration: string };
  /** Of every worker. */
  readonly devices: readonly Pick<Device, 'environment' | 'cores'>[];
  /** A peer that is silent for longer than this has failed: it has been stopped, or cut off. A beat comes every second. */
  readonly heartbeatMilliseconds?: number | undefined;
  readonly signal: AbortSignal;
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

interface Peer {
  readonly child: Child;
  readonly waiting: Map<number, Waiting>;
  hello: boolean;
  /** Milliseconds since it was last heard of. */
  silent: number;
  doing: string;
  step: number | undefined;
}

const START_MILLISECONDS = 60_000;
const GRACE_MILLISECONDS = 2_000;
const SILENCE_MILLISECONDS = 30_000;
const CHECK_MILLISECONDS = 1000;

/**
 * The processes of a run, and the control plane to them.
 *
 * The first failure wins: whether a peer says that it failed, ends, or falls silent, every request that is waited for is
 * rejected with that one error, and so is every later one.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #server: ControlServer<Reply, Request>;
  readonly #peers = new Map<string, Peer>();
  readonly #closing = new AbortController();
  readonly #stages = new Map<string, readonly number[]>();
  #listening: Promise<void> = Promise.resolve();
  #watch: NodeJS.Timeout | undefined;
  #nextId = 0;
  #failure: Error | undefined;
  #stopping = false;

  private constructor(options: FleetOptions, server: ControlServer<Reply, Request>) {
    this.#options = options;
    this.#server = server;
  }

  /** Starts the processes and waits until each has said hello. */
  static async launch(options: FleetOptions): Promise<Fleet> {
    options.signal.throwIfAborted();
    const server = await ControlServer.bind({ outgoing: requestSchema, incoming: replySchema });
    const fleet = new Fleet(options, server);
    try {
      await fleet.#start();
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { workers, loader, devices, signal } = this.#options;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#listening = this.#listen();
    const common = ['--coordinator', this.#server.endpoint];
    for (let k = 0; k < workers; k++) {
      const args = ['--peer', workerName(k), ...common];
      this.#add(new Child(workerName(k), { entry: entryFile('worker'), args, ...devices[k]! }));
    }
    if (loader) {
      const args = ['--peer', LOADER, ...common];
      const settings = { LAMP_LOADER: loader.configuration };
      this.#add(new Child(LOADER, { entry: entryFile('data/loader'), args, environment: settings }));
    }
    this.#watch = setInterval(this.#silenceCheck(), CHECK_MILLISECONDS);
    this.#watch.unref();
    await Promise.all([...this.#peers.keys()].map((name) => this.#greeted(name)));
  }

  #add(child: Child): void {
    const waiting = new Map<number, Waiting>();
    this.#peers.set(child.name, { child, waiting, hello: false, silent: 0, doing: 'its start', step: undefined });
    void child.ended.then((ending) => this.#fail(child.name, new Error(describeEnding(ending))));
  }

  /** Which stages a worker holds, for the report of a failure. */
  assign(name: string, stages: readonly number[]): void {
    this.#stages.set(name, stages);
  }

  get pids(): readonly number[] {
    return [...this.#peers.values()].map((peer) => peer.child.pid);
  }

  pid(name: string): number {
    return this.#peers.get(name)?.child.pid ?? -1;
  }

  /** Sends a request and waits for its reply, however long the peer is alive. */
  async request<K extends Request['kind']>(name: string, kind: K, order: Order<K>): Promise<ReplyTo<K>> {
    const peer = this.#peers.get(name);
    if (!peer) throw new Error(`no ${name} in this run`);
    if (this.#failure) throw this.#failure;
    const id = this.#nextId++;
    const reply = this.#wait(peer, id);
    peer.doing = kind;
    peer.step = (order as { step?: number }).step;
    // The union's members differ by kind alone here; the schema checks the whole on the way out.
    await this.#server.send(name, { ...order, kind, id } as unknown as Request).catch((error: unknown) => {
      this.#fail(name, error);
    });
    return (await reply) as ReplyTo<K>;
  }

  /** The same request to every worker; `order` may depend on the worker. */
  async requestAll<K extends Request['kind']>(kind: K, order: (worker: number) => Order<K>): Promise<ReplyTo<K>[]> {
    const workers = Array.from({ length: this.#options.workers }, (_, k) => k);
    return Promise.all(workers.map((k) => this.request(workerName(k), kind, order(k))));
  }

  /** Lets an error that a wait outside the control plane met end the run as a failure of its own. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Aborts when the run fails or is stopped: for waits on the data plane. */
  get ended(): AbortSignal {
    return this.#closing.signal;
  }

  #wait(peer: Peer, id: number): Promise<Reply> {
    const reply = new Promise<Reply>((resolve, reject) => peer.waiting.set(id, { resolve, reject }));
    // The run may fail before anybody has come to await this; whoever does is told all the same.
    reply.catch(() => {});
    return reply;
  }

  async #greeted(name: string): Promise<void> {
    const peer = this.#peers.get(name)!;
    const timer = setTimeout(() => {
      this.#fail(name, new Error(`it did not report within ${START_MILLISECONDS / 1000} s of its start`));
    }, START_MILLISECONDS);
    try {
      if (!peer.hello) await this.#wait(peer, -1);
    } finally {
      clearTimeout(timer);
    }
  }

  async #listen(): Promise<void> {
    for await (const { peer: name, message } of this.#server.messages(this.#closing.signal)) {
      const peer = bodyOf(name);
      if (message.kind !== 'malformed') this.#receive(peer, message);
      else if (this.#peers.has(peer))
        this.#fail(peer, new Error(`it sent a message that does not parse: ${message.reason}`));
    }
  }

  #receive(name: string, message: Reply): void {
    const peer = this.#peers.get(name);
    if (!peer) return;
    peer.silent = 0;
    if ('id' in message) return this.#settle(peer, message.id, message);
    switch (message.kind) {
      case 'hello':
        peer.hello = true;
        this.#settle(peer, -1, message);
        return;
      case 'heartbeat':
        return;
      case 'doing':
        peer.doing = message.action;
        peer.step = message.step;
        return;
      case 'failed':
        peer.doing = message.during;
        peer.step = message.step;
        this.#fail(name, new RemoteError(message.error));
    }
  }

  #settle(peer: Peer, id: number, message: Reply): void {
    peer.waiting.get(id)?.resolve(message);
    peer.waiting.delete(id);
    if (peer.waiting.size > 0) return;
    peer.doing = IDLE;
    peer.step = undefined;
  }

  /** Counts how long each peer has been silent. While this process itself was busy or asleep it could not hear: that does not count. */
  #silenceCheck(): () => void {
    const limit = this.#options.heartbeatMilliseconds ?? SILENCE_MILLISECONDS;
    let last = performance.now();
    return () => {
      const now = performance.now();
      const passed = Math.min(now - last, 2 * CHECK_MILLISECONDS);
      last = now;
      for (const [name, peer] of this.#peers) {
        if (!peer.hello) continue;
        peer.silent += passed;
        if (peer.silent > limit) this.#fail(name, new SilenceError(peer.silent));
      }
    };
  }

  readonly #onAbort = (): void => this.#end(this.#options.signal.reason);

  #fail(name: string, cause: unknown): void {
    if (this.#stopping || this.#closing.signal.aborted) return;
    const peer = this.#peers.get(name);
    this.#end(
      new RunFailure(name, {
        stages: this.#stages.get(name) ?? [],
        during: peer?.doing ?? 'its start',
        step: peer?.step,
        output: peer?.child.output ?? '',
        cause,
      }),
    );
  }

  #end(reason: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#failure = reason instanceof Error ? reason : new Error(String(reason));
    for (const peer of this.#peers.values()) {
      for (const waiting of peer.waiting.values()) waiting.reject(this.#failure);
      peer.waiting.clear();
    }
    this.#closing.abort(this.#failure);
  }

  /** Ends every process, politely first, and closes the sockets. Never throws. */
  async close(): Promise<void> {
    this.#stopping = true;
    if (!this.#closing.signal.aborted) {
      await Promise.race([
        // A process that is gone has stopped, whether its answer arrived or was lost with it.
        Promise.allSettled(
          [...this.#peers].map(([name, { child }]) => Promise.race([this.request(name, 'stop', {}), child.ended])),
        ),
        new Promise((resolve) => setTimeout(resolve, GRACE_MILLISECONDS).unref()),
      ]);
    }
    this.#end(new Error('the run has ended'));
    clearInterval(this.#watch);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    await Promise.all([...this.#peers.values()].map((peer) => peer.child.terminate(GRACE_MILLISECONDS)));
    this.#server.close();
    await this.#listening.catch(() => {});
  }
}
