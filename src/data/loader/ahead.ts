import type { Source } from '../../transport/protocol.ts';
import type { Batch, Feed } from './feed.ts';

/** A mini-batch that is being made, or is. */
interface Made {
  readonly batch: Promise<Batch>;
  /** How long it took to make. */
  readonly seconds: Promise<number>;
}

/** Makes mini-batches before they are asked for. It holds those that were announced, and no more. */
export class Ahead {
  readonly #feed: Feed;
  readonly #made = new Map<string, Made>();

  constructor(feed: Feed) {
    this.#feed = feed;
  }

  /** Mini-batches that are held, or being made. */
  get size(): number {
    return this.#made.size;
  }

  /**
   * Gives a mini-batch, made by now or not; then begins those that will be asked for next, and forgets all others. What is asked for
   * again is given again.
   */
  take(source: Source, next: readonly Source[] = []): Made {
    const taken = this.#begin(source);
    if (next.length > 0) this.#announce(next);
    if (!next.some((later) => keyOf(later) === keyOf(source))) this.#made.delete(keyOf(source));
    return taken;
  }

  #announce(next: readonly Source[]): void {
    const keys = new Set(next.map(keyOf));
    for (const key of this.#made.keys()) if (!keys.has(key)) this.#made.delete(key);
    for (const source of next) this.#begin(source);
  }

  #begin(source: Source): Made {
    const known = this.#made.get(keyOf(source));
    if (known) return known;
    const start = performance.now();
    const batch = this.#feed.batch(source);
    const seconds = batch.then(() => (performance.now() - start) / 1000);
    // Whoever takes it hears of a failure.
    for (const promise of [batch, seconds]) promise.catch(() => {});
    const made = { batch, seconds };
    this.#made.set(keyOf(source), made);
    return made;
  }
}

const keyOf = (source: Source): string => JSON.stringify(source);
