import { setImmediate } from 'node:timers/promises';
import { Push } from 'zeromq';
import { RefusalCount } from './counters.ts';
import type { TransportCounters } from './counters.ts';
import { connectWith, listenWith } from './openSocket.ts';
import type { ConnectOptions, ListenOptions } from './openSocket.ts';
import { PIECE_BYTES } from './pieces.ts';
import { DEFAULT_MAX_BYTES, encode } from './tensorMessage.ts';
import type { LinkRules, OutgoingTensor, TensorValues } from './tensorMessage.ts';
import { Writer } from './writer.ts';

interface OutletOptions {
  /** The receiver's name, for error messages. */
  readonly to: string;
  /** Messages that ZeroMQ keeps at this end before `send` waits; see DataInlet for the bound of the whole link. */
  readonly highWaterMark: number;
  readonly run: string;
  readonly maxBytes?: number;
  /** Milliseconds that what was sent may take to leave after `close`. */
  readonly linger?: number;
}

/** The endpoint is the receiver's, as its DataInlet says. */
export type DataOutletOptions = OutletOptions & ConnectOptions;
export type BoundOutletOptions = OutletOptions &
  Omit<ListenOptions, 'address'> & { readonly at?: ListenOptions['address'] };

/** The sending end of a data link: tensors from this process to one other. */
export class DataOutlet {
  /** Where it listens, or what it is connected to. */
  readonly endpoint: string;
  readonly #closeSocket: () => void;
  readonly #writer: Writer;
  readonly #rules: LinkRules;
  readonly #refused: RefusalCount;
  #bytesSent = 0;
  #messagesSent = 0;

  private constructor(
    { socket, endpoint, close }: { socket: Push; endpoint: string; close: () => void },
    { to, run, maxBytes = DEFAULT_MAX_BYTES, security }: OutletOptions & { readonly security?: object | undefined },
    refused: RefusalCount,
  ) {
    this.endpoint = endpoint;
    this.#closeSocket = close;
    this.#rules = { link: to, run, maxBytes, pieceBytes: security && PIECE_BYTES };
    this.#writer = new Writer(socket, to);
    this.#refused = refused;
  }

  /** Connects to its receiver's inlet, which listens. */
  static connect(options: DataOutletOptions): DataOutlet {
    const socket = connectWith(makerOf(options), options);
    const { endpoint } = options;
    return new DataOutlet({ socket, endpoint, close: () => socket.close() }, options, new RefusalCount());
  }

  /** Listens for its one receiver: where several connect, each gets a part. */
  static async bind(options: BoundOutletOptions): Promise<DataOutlet> {
    const refused = new RefusalCount();
    const listening = await listenWith(makerOf(options), { ...options, address: options.at, refused });
    return new DataOutlet(listening, options, refused);
  }

  /** Strangers that were refused, by reason. */
  get counters(): TransportCounters {
    return this.#refused.now;
  }

  /** Bytes of values (not of headers) that ZeroMQ has taken. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  get messagesSent(): number {
    return this.#messagesSent;
  }

  /** Messages that wait here because the receiver is behind. */
  get waiting(): number {
    return this.#writer.waiting;
  }

  /**
   * Resolves when ZeroMQ has taken the tensor, in the order of the calls. While the link is full it waits, or rejects with
   * the signal's reason.
   *
   * Nothing is copied: ZeroMQ reads `values` later, from another thread, and does not say when it has. So the memory behind
   * them is given away: from this call on nobody may write to it, transfer it to another thread, or hand out a pooled array
   * that is filled again. Reading it stays allowed, as does sending it to a second receiver.
   */
  async send(tensor: OutgoingTensor, values: TensorValues, signal: AbortSignal): Promise<void> {
    await this.#writer.send(encode(tensor, values, this.#rules), signal);
    // ZeroMQ lets go of what it has sent in a callback of the event loop. A sender that goes on from promise to promise would
    // never let it run, and would hold all that it ever sent: 2 GiB instead of 0.3 after 60 messages of 32 MiB.
    await setImmediate();
    this.#bytesSent += values.byteLength;
    this.#messagesSent++;
  }

  /** Ends every wait with a LinkClosedError; what ZeroMQ has not sent within `linger` is dropped. */
  close(): void {
    this.#closeSocket();
    this.#writer.close();
  }
}

const makerOf =
  ({ highWaterMark, linger = 0 }: OutletOptions) =>
  (common: object): Push =>
    // Nothing comes to a sender but the handshake.
    new Push({ ...common, sendHighWaterMark: highWaterMark, linger, maxMessageSize: 65_536 });
