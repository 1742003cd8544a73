import { setImmediate } from 'node:timers/promises';
import { Push } from 'zeromq';
import { context } from './context.ts';
import { EndpointError } from './errors.ts';
import { DEFAULT_MAX_BYTES, encode } from './tensorMessage.ts';
import type { LinkRules, OutgoingTensor, TensorValues } from './tensorMessage.ts';
import { Writer } from './writer.ts';

export interface DataOutletOptions {
  /** The receiver's address, as its DataInlet says. */
  readonly endpoint: string;
  /** The receiver's name, for error messages. */
  readonly to: string;
  /** Messages that ZeroMQ keeps at this end before `send` waits; see DataInlet for the bound of the whole link. */
  readonly highWaterMark: number;
  readonly run: string;
  readonly maxBytes?: number;
  /** Milliseconds that what was sent may take to leave after `close`. */
  readonly linger?: number;
}

/** The sending end of a data link: tensors from this process to one other. */
export class DataOutlet {
  readonly #socket: Push;
  readonly #writer: Writer;
  readonly #rules: LinkRules;
  #bytesSent = 0;
  #messagesSent = 0;

  private constructor(socket: Push, rules: LinkRules) {
    this.#socket = socket;
    this.#rules = rules;
    this.#writer = new Writer(socket, rules.link);
  }

  static connect(options: DataOutletOptions): DataOutlet {
    const { endpoint, to, highWaterMark, run, maxBytes = DEFAULT_MAX_BYTES, linger = 0 } = options;
    const socket = new Push({ context, sendHighWaterMark: highWaterMark, linger });
    try {
      socket.connect(endpoint);
    } catch (error) {
      socket.close();
      throw new EndpointError('connect to', endpoint, error);
    }
    return new DataOutlet(socket, { link: to, run, maxBytes });
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
    this.#socket.close();
    this.#writer.close();
  }
}
