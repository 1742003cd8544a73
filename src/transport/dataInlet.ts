import { Pull } from 'zeromq';
import { RefusalCount } from './counters.ts';
import type { TransportCounters } from './counters.ts';
import { FrameError, LinkClosedError, SetAsideError } from './errors.ts';
import { onAbort } from './onAbort.ts';
import { connectWith, listenWith } from './openSocket.ts';
import type { ConnectOptions, ListenOptions } from './openSocket.ts';
import { PIECE_BYTES } from './pieces.ts';
import { SetAside } from './setAside.ts';
import { decode, DEFAULT_MAX_BYTES, keyOf } from './tensorMessage.ts';
import type { LinkRules, TensorMessage } from './tensorMessage.ts';

interface InletOptions {
  /** The sender's name, for error messages. */
  readonly from: string;
  /** Messages that ZeroMQ keeps at this end before the sender's end fills up. */
  readonly highWaterMark: number;
  readonly run: string;
  /** Bytes of values in one message. */
  readonly maxBytes?: number;
  /** Messages that may lie here because somebody waits for another one, and how many bytes of values they may be. */
  readonly setAside?: number;
  readonly setAsideBytes?: number;
}

export type DataInletOptions = InletOptions &
  Omit<ListenOptions, 'address'> & { readonly at?: ListenOptions['address'] };
export type ConnectedInletOptions = InletOptions & ConnectOptions;

interface Waiter {
  readonly key: string;
  readonly resolve: (message: TensorMessage) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The receiving end of a data link: tensors from one other process.
 *
 * The socket is read only while somebody waits, so a receiver that is busy lets the link fill up, and then the sender waits.
 * ZeroMQ counts whole messages, all their frames as one, at each end by itself. With one more on its way out of the sender's
 * queue, one on its way into the receiver's, and one being cut into packets, a link holds at most
 *
 *     sender's mark + receiver's mark + 3 messages, and what fits into the kernel's socket buffers (over TCP some 10 MiB on Linux)
 */
export class DataInlet {
  readonly endpoint: string;
  readonly #socket: Pull;
  readonly #closeSocket: () => void;
  readonly #rules: LinkRules;
  readonly #waiters: Waiter[] = [];
  readonly #setAside: SetAside;
  readonly #refused: RefusalCount;
  /** A frame error that came when nobody waited any more: the next to wait is told. */
  #untold: unknown;
  /** What made the link useless. */
  #broken: SetAsideError | undefined;
  #reading = false;
  #bytesReceived = 0;
  #messagesReceived = 0;

  private constructor(
    { socket, endpoint, close }: { socket: Pull; endpoint: string; close: () => void },
    options: MadeWith,
    refused: RefusalCount,
  ) {
    this.#socket = socket;
    this.endpoint = endpoint;
    this.#closeSocket = close;
    this.#refused = refused;
    this.#rules = rulesOf(options);
    this.#setAside = new SetAside({ messages: options.setAside, bytes: options.setAsideBytes });
  }

  /** Listens for its sender. */
  static async bind(options: DataInletOptions): Promise<DataInlet> {
    const refused = new RefusalCount();
    const listening = await listenWith(makerOf(options), { ...options, address: options.at, refused });
    return new DataInlet(listening, options, refused);
  }

  /** Connects to its sender's outlet, which listens. */
  static connect(options: ConnectedInletOptions): DataInlet {
    const socket = connectWith(makerOf(options), options);
    const { endpoint } = options;
    return new DataInlet({ socket, endpoint, close: () => socket.close() }, options, new RefusalCount());
  }

  /** Bytes of values (not of headers) in the messages that were accepted. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  get messagesReceived(): number {
    return this.#messagesReceived;
  }

  /** Messages and strangers that were refused, by reason. */
  get counters(): TransportCounters {
    return this.#refused.now;
  }

  /** All of them together. */
  get refused(): number {
    return Object.values(this.#refused.now).reduce((sum, count) => sum + count, 0);
  }

  /**
   * The message with this key, as `keyOf` writes it. Those with other keys that come before it are set aside for whoever
   * asks for them. Rejects with a FrameError (the link goes on), a SetAsideError (it does not), a LinkClosedError, or the
   * signal's reason. A frame that does not parse has no key, and may have been any: the one who has waited longest is told of
   * it. What belongs to another run, or came before, was nobody's: it is dropped and counted.
   */
  receive(key: string, signal: AbortSignal): Promise<TensorMessage> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#socket.closed) return Promise.reject(new LinkClosedError(this.#rules.link));
    const message = this.#setAside.take(key);
    if (message) return Promise.resolve(message);
    const error = this.#broken ?? this.#untold;
    this.#untold = undefined;
    if (error !== undefined) return Promise.reject(error);
    return this.#wait(key, signal);
  }

  /** Ends every wait with a LinkClosedError, and drops what has not been received. */
  close(): void {
    this.#closeSocket();
    this.#setAside.clear();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new LinkClosedError(this.#rules.link));
  }

  #wait(key: string, signal: AbortSignal): Promise<TensorMessage> {
    return new Promise((resolve, reject) => {
      const settled = onAbort(signal, () => {
        const place = this.#waiters.indexOf(waiter);
        if (place >= 0) this.#waiters.splice(place, 1);
        reject(signal.reason);
      });
      const waiter: Waiter = {
        key,
        resolve: (message) => (settled(), resolve(message)),
        reject: (error) => (settled(), reject(error)),
      };
      this.#waiters.push(waiter);
      void this.#read();
    });
  }

  /**
   * Reads while somebody waits. ZeroMQ cannot be told to stop waiting: if the last waiter gives up, one message more is read
   * and set aside.
   */
  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    while (this.#waiters.length > 0) {
      try {
        this.#accept(decode(await this.#socket.receive(), this.#rules));
      } catch (error) {
        if (this.#socket.closed) break;
        if (error instanceof FrameError) this.#refused.add(error.reason);
        if (!(error instanceof FrameError && error.reason === 'run')) this.#tell(error);
      }
    }
    this.#reading = false;
  }

  #tell(error: unknown): void {
    const waiter = this.#waiters.shift();
    if (waiter) waiter.reject(error);
    else this.#untold = error;
  }

  #accept(message: TensorMessage): void {
    const key = keyOf(message.header);
    const place = this.#waiters.findIndex((waiter) => waiter.key === key);
    if (place < 0 && this.#setAside.has(key)) return this.#refused.add('replayed');
    this.#bytesReceived += message.values.byteLength;
    this.#messagesReceived++;
    if (place >= 0) {
      this.#setAside.gave(key);
      return this.#waiters.splice(place, 1)[0]!.resolve(message);
    }
    this.#setAside.put(key, message);
    if (!this.#setAside.full) return;
    const replayed = this.#setAside.dropReplayed();
    if (replayed > 0) this.#refused.add('replayed', replayed);
    if (this.#setAside.full) this.#break();
  }

  /** The message that was one too many stays where it is, but nothing more is read. */
  #break(): void {
    const awaited = this.#waiters.map((waiter) => waiter.key);
    this.#broken = new SetAsideError(this.#rules.link, this.#setAside.limits, awaited, this.#setAside.keys);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#broken);
  }
}

type MadeWith = InletOptions & { readonly security?: object | undefined };

const rulesOf = ({ from, run, maxBytes = DEFAULT_MAX_BYTES, security }: MadeWith): LinkRules => ({
  ...{ link: from, run, maxBytes },
  pieceBytes: security && PIECE_BYTES,
});

/**
 * A stranger may not make us allocate without end. With keys a frame is no larger than a piece; without them, on this machine, twice
 * the maximum, so that what is merely too large gets an error with a name: ZeroMQ itself cuts the connection without a word.
 */
const makerOf =
  ({ highWaterMark, maxBytes = DEFAULT_MAX_BYTES, security }: MadeWith) =>
  (common: object): Pull =>
    new Pull({
      ...common,
      receiveHighWaterMark: highWaterMark,
      linger: 0,
      maxMessageSize: (security ? PIECE_BYTES : 2 * maxBytes) + 65_536,
    });
