import { Dealer } from 'zeromq';
import { CONTROL_HIGH_WATER_MARK, decodeControl, encodeControl, MAX_CONTROL_BYTES } from './controlCodec.ts';
import type { ControlSchemas, Malformed } from './controlCodec.ts';
import { connectWith } from './openSocket.ts';
import type { ConnectOptions } from './openSocket.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

export interface ControlClientOptions<Incoming, Outgoing> extends ControlSchemas<Incoming, Outgoing>, ConnectOptions {
  /** The name under which the server knows this process: one for each. */
  readonly peer: string;
}

const SERVER = 'the coordinator';

/** A worker's end of the control plane: a DEALER to the coordinator. */
export class ControlClient<Incoming, Outgoing> {
  readonly peer: string;
  readonly #socket: Dealer;
  readonly #schemas: ControlSchemas<Incoming, Outgoing>;
  readonly #writer: Writer;
  readonly #reader: Reader;

  private constructor(socket: Dealer, peer: string, schemas: ControlSchemas<Incoming, Outgoing>) {
    this.#socket = socket;
    this.peer = peer;
    this.#schemas = schemas;
    this.#writer = new Writer(socket, SERVER);
    this.#reader = new Reader(socket);
  }

  static connect<Incoming, Outgoing>(
    options: ControlClientOptions<Incoming, Outgoing>,
  ): ControlClient<Incoming, Outgoing> {
    const { peer } = options;
    const make = (common: object): Dealer =>
      new Dealer({
        ...common,
        routingId: peer,
        sendHighWaterMark: CONTROL_HIGH_WATER_MARK,
        receiveHighWaterMark: CONTROL_HIGH_WATER_MARK,
        maxMessageSize: MAX_CONTROL_BYTES,
        linger: 0,
      });
    const socket = connectWith(make, options);
    return new ControlClient(socket, peer, options);
  }

  /** Resolves when ZeroMQ has taken the message; that the coordinator has it, only its answer tells. */
  async send(message: Outgoing, signal?: AbortSignal): Promise<void> {
    await this.#writer.send([encodeControl(message, this.#schemas.outgoing, SERVER)], signal);
  }

  /**
   * What the coordinator says, in order; ends when `signal` aborts or the client is closed. One loop at a time; a message
   * that a loop did not get to is the next loop's.
   */
  async *messages(signal: AbortSignal): AsyncGenerator<Incoming | Malformed, void> {
    for (let frames = await this.#reader.next(signal); frames; frames = await this.#reader.next(signal))
      yield decodeControl(frames, this.#schemas.incoming);
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
