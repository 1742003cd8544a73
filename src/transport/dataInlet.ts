import { Pull } from 'zeromq';
import { anyPort, context, localAddress } from './context.ts';
import { EndpointError, LinkClosedError, SetAsideError } from './errors.ts';
import { onAbort } from './onAbort.ts';
import { decode, DEFAULT_MAX_BYTES, keyOf } from './tensorMessage.ts';
import type { LinkRules, TensorMessage } from './tensorMessage.ts';

export interface DataInletOptions {
  /** The sender's name, for error messages. */
  readonly from: string;
  /** The address to listen on; this machine alone where nothing is said. */
  readonly host?: string;
  /** Messages that ZeroMQ keeps at this end before the sender's end fills up. */
  readonly highWaterMark: number;
  readonly run: string;
  /** Bytes of values in one message. */
  readonly maxBytes?: number;
  /** Messages that may lie here because somebody waits for another one. */
  readonly setAside?: number;
}

interface Waiter {
  readonly key: string;
  readonly resolve: (message: TensorMessage) => void;
  readonly reject: (error: unknown) => void;
}

const DEFAULT_SET_ASIDE = 64;

/**
 * The receiving end of a data link: tensors from one other process.
 *
 * The socket is read only while somebody waits, so a receiver that is busy lets the link fill up, and then the sender waits.
 * ZeroMQ counts whole messages, both frames as one, at each end by itself. With one more on its way out of the sender's
 * queue, one on its way into the receiver's, and one being cut into packets, a link holds at most
 *
 *     sender's mark + receiver's mark + 3 messages, and what fits into the kernel's socket buffers (over TCP some 10 MiB on Linux)
 */
export class DataInlet {
  readonly endpoint: string;
  readonly #socket: Pull;
  readonly #rules: LinkRules;
  readonly #limit: number;
  readonly #waiters: Waiter[] = [];
  readonly #setAside: { key: string; message: TensorMessage }[] = [];
  /** A frame error that came when nobody waited any more: the next to wait is told. */
  #untold: unknown;
  /** What made the link useless. */
  #broken: SetAsideError | undefined;
  #reading = false;
  #bytesReceived = 0;
  #messagesReceived = 0;
  #refused = 0;

  private constructor(socket: Pull, endpoint: string, rules: LinkRules, limit: number) {
    this.#socket = socket;
    this.endpoint = endpoint;
    this.#rules = rules;
    this.#limit = limit;
  }

  static async bind(options: DataInletOptions): Promise<DataInlet> {
    const { from, host, highWaterMark, run, maxBytes = DEFAULT_MAX_BYTES } = options;
    const socket = new Pull({
      context,
      receiveHighWaterMark: highWaterMark,
      linger: 0,
      // A stranger may not make us allocate without end. Twice the maximum, so that what is merely too large gets an error
      // with a name; ZeroMQ itself cuts the connection without a word.
      maxMessageSize: 2 * maxBytes + 65_536,
      ipv6: host?.includes(':') ?? false,
    });
    const address = host === undefined ? localAddress() : anyPort(host);
    try {
      await socket.bind(address);
    } catch (error) {
      socket.close();
      throw new EndpointError('listen on', address, error);
    }
    const rules = { link: from, run, maxBytes };
    return new DataInlet(socket, socket.lastEndpoint ?? '', rules, options.setAside ?? DEFAULT_SET_ASIDE);
  }

  /** Bytes of values (not of headers) in the messages that were accepted. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  get messagesReceived(): number {
    return this.#messagesReceived;
  }

  /** Messages that were not accepted. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * The message with this key, as `keyOf` writes it. Those with other keys that come before it are set aside for whoever
   * asks for them. Rejects with a FrameError (the link goes on), a SetAsideError (it does not), a LinkClosedError, or the
   * signal's reason. A frame that does not parse has no key: the one who has waited longest is told of it.
   */
  receive(key: string, signal: AbortSignal): Promise<TensorMessage> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#socket.closed) return Promise.reject(new LinkClosedError(this.#rules.link));
    const place = this.#setAside.findIndex((entry) => entry.key === key);
    if (place >= 0) return Promise.resolve(this.#setAside.splice(place, 1)[0]!.message);
    const error = this.#broken ?? this.#untold;
    this.#untold = undefined;
    if (error !== undefined) return Promise.reject(error);
    return this.#wait(key, signal);
  }

  /** Ends every wait with a LinkClosedError, and drops what has not been received. */
  close(): void {
    this.#socket.close();
    this.#setAside.length = 0;
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
        this.#refused++;
        const waiter = this.#waiters.shift();
        if (waiter) waiter.reject(error);
        else this.#untold = error;
      }
    }
    this.#reading = false;
  }

  #accept(message: TensorMessage): void {
    this.#bytesReceived += message.values.byteLength;
    this.#messagesReceived++;
    const key = keyOf(message.header);
    const place = this.#waiters.findIndex((waiter) => waiter.key === key);
    if (place >= 0) return this.#waiters.splice(place, 1)[0]!.resolve(message);
    this.#setAside.push({ key, message });
    if (this.#setAside.length > this.#limit) this.#break();
  }

  /** The message that was one too many stays where it is, but nothing more is read. */
  #break(): void {
    const awaited = this.#waiters.map((waiter) => waiter.key);
    const arrived = this.#setAside.map((entry) => entry.key);
    this.#broken = new SetAsideError(this.#rules.link, this.#limit, awaited, arrived);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#broken);
  }
}
