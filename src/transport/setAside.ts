import { DEFAULT_MAX_BYTES } from './tensorMessage.ts';
import type { TensorMessage } from './tensorMessage.ts';

const DEFAULT_MESSAGES = 64;
const DEFAULT_BYTES = 8 * DEFAULT_MAX_BYTES;
/** Keys that are remembered of what was handed over. */
const REMEMBERED = 4096;

/**
 * The messages of a link that came before anybody waited for them, up to a number and to a sum of bytes. It remembers the keys
 * of what was handed over last, so as to tell what was sent a second time from what the two ends disagree about.
 */
export class SetAside {
  readonly limits: { readonly messages: number; readonly bytes: number };
  readonly #messages = new Map<string, TensorMessage>();
  readonly #given = new Set<string>();
  #bytes = 0;

  constructor({ messages, bytes }: { messages?: number | undefined; bytes?: number | undefined }) {
    this.limits = { messages: messages ?? DEFAULT_MESSAGES, bytes: bytes ?? DEFAULT_BYTES };
  }

  /** In the order in which they came. */
  get keys(): readonly string[] {
    return [...this.#messages.keys()];
  }

  /** Whether more lies here than may. */
  get full(): boolean {
    return this.#messages.size > this.limits.messages || this.#bytes > this.limits.bytes;
  }

  has(key: string): boolean {
    return this.#messages.has(key);
  }

  put(key: string, message: TensorMessage): void {
    this.#messages.set(key, message);
    this.#bytes += message.values.byteLength;
  }

  /** The message with this key, which no longer lies here. */
  take(key: string): TensorMessage | undefined {
    const message = this.#drop(key);
    if (message) this.gave(key);
    return message;
  }

  /** A message with this key was handed over. */
  gave(key: string): void {
    this.#given.delete(key);
    this.#given.add(key);
    if (this.#given.size > REMEMBERED) for (const oldest of this.#given) return void this.#given.delete(oldest);
  }

  /** Drops what lies here though one of the same key was handed over before; returns how many. */
  dropReplayed(): number {
    const replayed = this.keys.filter((key) => this.#given.has(key));
    for (const key of replayed) this.#drop(key);
    return replayed.length;
  }

  clear(): void {
    this.#messages.clear();
    this.#given.clear();
    this.#bytes = 0;
  }

  #drop(key: string): TensorMessage | undefined {
    const message = this.#messages.get(key);
    if (!message) return undefined;
    this.#messages.delete(key);
    this.#bytes -= message.values.byteLength;
    return message;
  }
}
