import { Router } from 'zeromq';
import { anyPort, context, LOOPBACK } from './context.ts';
import { CONTROL_HIGH_WATER_MARK, decodeControl, encodeControl, MAX_CONTROL_BYTES } from './controlCodec.ts';
import type { ControlSchemas, Malformed } from './controlCodec.ts';
import { EndpointError, PeerError } from './errors.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

export interface ControlServerOptions<Incoming, Outgoing> extends ControlSchemas<Incoming, Outgoing> {
  /** The address to listen on; loopback where nothing is said. */
  readonly host?: string;
}

/** The coordinator's end of the control plane: a ROUTER that every worker connects to. */
export class ControlServer<Incoming, Outgoing> {
  readonly endpoint: string;
  readonly #socket: Router;
  readonly #schemas: ControlSchemas<Incoming, Outgoing>;
  readonly #writer: Writer;
  readonly #reader: Reader;

  private constructor(socket: Router, endpoint: string, schemas: ControlSchemas<Incoming, Outgoing>) {
    this.#socket = socket;
    this.endpoint = endpoint;
    this.#schemas = schemas;
    this.#writer = new Writer(socket, 'the workers');
    this.#reader = new Reader(socket);
  }

  static async bind<Incoming, Outgoing>(
    options: ControlServerOptions<Incoming, Outgoing>,
  ): Promise<ControlServer<Incoming, Outgoing>> {
    const { host = LOOPBACK } = options;
    const socket = new Router({
      context,
      // A message for somebody who is not there is an error; by default ZeroMQ drops it without a word.
      mandatory: true,
      // At once or not at all: waiting for one peer that has stopped reading would hold up the messages to all others.
      sendTimeout: 0,
      sendHighWaterMark: CONTROL_HIGH_WATER_MARK,
      receiveHighWaterMark: CONTROL_HIGH_WATER_MARK,
      maxMessageSize: MAX_CONTROL_BYTES,
      linger: 0,
      ipv6: host.includes(':'),
    });
    try {
      await socket.bind(anyPort(host));
    } catch (error) {
      socket.close();
      throw new EndpointError('listen on', anyPort(host), error);
    }
    return new ControlServer(socket, socket.lastEndpoint ?? '', options);
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

  /**
   * What the peers say, in the order in which it came; ends when `signal` aborts or the server is closed. One loop at a
   * time; a message that a loop did not get to is the next loop's.
   */
  async *messages(signal: AbortSignal): AsyncGenerator<{ peer: string; message: Incoming | Malformed }, void> {
    for (let frames = await this.#reader.next(signal); frames; frames = await this.#reader.next(signal)) {
      const [peer, ...rest] = frames;
      yield { peer: Buffer.from(peer ?? []).toString(), message: decodeControl(rest, this.#schemas.incoming) };
    }
  }

  /**
   * Ends every wait. What was sent may still leave within `linger` milliseconds, for which a process waits that ends by
   * itself (`process.exitCode`); `process.exit` does not wait, and what has not left is lost.
   */
  close(linger = 0): void {
    if (this.#socket.closed) return;
    this.#socket.linger = linger;
    this.#socket.close();
    this.#writer.close();
  }
}
