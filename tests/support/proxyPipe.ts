import type { Socket } from 'node:net';

/** One direction of a link, which all its connections share. */
export interface Wire {
  /** When all that was put on it has left it (milliseconds of `performance.now`). */
  free: number;
  frozen(): boolean;
  milliseconds(): number;
  bytesPerSecond(): number;
  /** How many of so many bytes may still pass, and whether the connection is cut behind them. */
  take(bytes: number): { readonly passed: number; readonly cut: boolean };
}

type Item =
  | { readonly kind: 'bytes'; readonly chunk: Buffer; readonly due: number }
  | { readonly kind: 'end'; readonly due: number }
  | { readonly kind: 'gone'; readonly due: number };

/** Bytes that a connection holds here before its sender has to wait. */
const WINDOW = 256 * 1024;

/**
 * What one socket sends, to another: each chunk when the wire has had time for all before it and for itself (bytes ÷ rate),
 * and then the delay. An end comes after what was sent before it.
 */
export class ProxyPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #wire: Wire;
  readonly #queue: Item[] = [];
  #held = 0;
  #timer: NodeJS.Timeout | undefined;
  #draining = false;

  constructor(from: Socket, to: Socket, wire: Wire) {
    this.#from = from;
    this.#to = to;
    this.#wire = wire;
    from.on('data', (chunk: Buffer) => this.#take(chunk));
    from.on('end', () => this.#put({ kind: 'end', due: this.#due(0) }));
    from.on('close', () => this.#put({ kind: 'gone', due: this.#due(0) }));
    to.on('drain', () => {
      this.#draining = false;
      this.flush();
    });
    to.on('close', () => {
      clearTimeout(this.#timer);
      this.#queue.length = 0;
    });
  }

  /** Passes on what is due, and sees to it that the rest will be. */
  flush(): void {
    clearTimeout(this.#timer);
    while (!this.#draining && !this.#wire.frozen() && !this.#to.destroyed) {
      const item = this.#queue[0];
      if (!item) break;
      const wait = item.due - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.flush(), wait);
        break;
      }
      this.#queue.shift();
      this.#pass(item);
    }
    if (this.#held < WINDOW) this.#from.resume();
  }

  #take(chunk: Buffer): void {
    this.#held += chunk.length;
    if (this.#held >= WINDOW) this.#from.pause();
    this.#put({ kind: 'bytes', chunk, due: this.#due(chunk.length) });
  }

  #put(item: Item): void {
    this.#queue.push(item);
    this.flush();
  }

  #due(bytes: number): number {
    const { free, milliseconds, bytesPerSecond } = this.#wire;
    this.#wire.free = Math.max(free, performance.now()) + (1000 * bytes) / bytesPerSecond();
    return this.#wire.free + milliseconds();
  }

  #pass(item: Item): void {
    if (item.kind === 'gone') this.#to.destroySoon();
    else if (item.kind === 'end') this.#to.end();
    else {
      this.#held -= item.chunk.length;
      const { passed, cut } = this.#wire.take(item.chunk.length);
      this.#draining = !this.#to.write(item.chunk.subarray(0, passed));
      if (cut) this.#from.destroy();
    }
  }
}
