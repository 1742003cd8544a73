import { Router } from 'zeromq';
import { LOOPBACK } from './context.ts';
import {
  CONTROL_HIGH_WATER_MARK,
  decodeControl,
  encodeControl,
  isMalformed,
  MAX_CONTROL_BYTES,
} from './controlCodec.ts';
import type { ControlSchemas, Malformed } from './controlCodec.ts';
import { RefusalCount } from './counters.ts';
import type { TransportCounters } from './counters.ts';
import { PeerError } from './errors.ts';
import type { OnLinkEvent } from './linkEvents.ts';
import { listenWith } from './openSocket.ts';
import type { ListenOptions } from './openSocket.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

export interface ControlServerOptions<Incoming, Outgoing> extends ControlSchemas<Incoming, Outgoing>, ListenOptions {
  readonly onEvent?: OnLinkEvent | undefined;
}

/** An empty frame: nothing but a sign of life. */
const ECHO = new Uint8Array(0);

/** The coordinator's end of the control plane: a ROUTER that every worker connects to. */
export class ControlServer<Incoming, Outgoing> {
  readonly endpoint: string;
  readonly #socket: Router;
  readonly #refused: RefusalCount;
  readonly #closeSocket: () => void;
  readonly #schemas: ControlSchemas<Incoming, Outgoing>;
  readonly #writer: Writer;
  readonly #reader: Reader;

  private constructor(
    { socket, endpoint, close }: { socket: Router; endpoint: string; close: () => void },
    schemas: ControlSchemas<Incoming, Outgoing>,
    refused: RefusalCount,
  ) {
    this.#socket = socket;
    this.endpoint = endpoint;
    this.#closeSocket = close;
    this.#schemas = schemas;
    this.#refused = refused;
    this.#writer = new Writer(socket, 'the workers');
    this.#reader = new Reader(socket);
  }

  static async bind<Incoming, Outgoing>(
    options: ControlServerOptions<Incoming, Outgoing>,
  ): Promise<ControlServer<Incoming, Outgoing>> {
    const refused = new RefusalCount();
    const make = (common: object): Router =>
      new Router({
        ...common,
        // A message for somebody who is not there is an error; by default ZeroMQ drops it without a word.
        mandatory: true,
        // A peer whose connection broke comes back under its name, though this end may not know yet that the old one is gone.
        handover: true,
        // At once or not at all: waiting for one peer that has stopped reading would hold up the messages to all others.
        sendTimeout: 0,
        sendHighWaterMark: CONTROL_HIGH_WATER_MARK,
        receiveHighWaterMark: CONTROL_HIGH_WATER_MARK,
        maxMessageSize: MAX_CONTROL_BYTES,
        linger: 0,
      });
    const { address = { host: LOOPBACK }, security, onEvent } = options;
    const watch = security || onEvent ? { watch: { onEvent } } : {};
    return new ControlServer(await listenWith(make, { address, security, refused, ...watch }), options, refused);
  }

  /** What was refused: messages that do not parse, and strangers. */
  get counters(): TransportCounters {
    return this.#refused.now;
  }

  /** Resolves when ZeroMQ has taken the message. Rejects with a PeerError where `peer` is not connected, or stalled. */
  async send(peer: string, message: Outgoing, signal?: AbortSignal): Promise<void> {
    const frame = encodeControl(message, this.#schemas.outgoing, peer);
    try {
      await this.#writer.send([Buffer.from(peer), frame], signal);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EHOSTUNREACH') throw new PeerError(peer, 'unknown', { cause: error });
      if (code === 'EAGAIN') throw new PeerError(peer, 'stalled', { cause: error });
      throw error;
    }
  }

  /** Tells a peer that this process lives. One that is gone is told nothing; this never throws. */
  async echo(peer: string): Promise<void> {
    await this.#writer.send([Buffer.from(peer), ECHO]).catch(() => {});
  }

  /**
   * What the peers say, in the order in which it came; ends when `signal` aborts or the server is closed. One loop at a
   * time; a message that a loop did not get to is the next loop's.
   */
  async *messages(signal: AbortSignal): AsyncGenerator<{ peer: string; message: Incoming | Malformed }, void> {
    for (let frames = await this.#reader.next(signal); frames; frames = await this.#reader.next(signal)) {
      const [peer, ...rest] = frames;
      const message = decodeControl(rest, this.#schemas.incoming);
      if (isMalformed(message)) this.#refused.add('malformed');
      yield { peer: Buffer.from(peer ?? []).toString(), message };
    }
  }

  /**
   * Ends every wait. What was sent may still leave within `linger` milliseconds, for which a process waits that ends by
   * itself (`process.exitCode`); `process.exit` does not wait, and what has not left is lost.
   */
  close(linger = 0): void {
    if (this.#socket.closed) return;
    this.#socket.linger = linger;
    this.#closeSocket();
    this.#writer.close();
  }
}
