/** A tensor in a ledger. */
export type Entry = number;

/** Which tensors are alive, and the most bytes of them at once: the engine's memory without the engine. */
export class Ledger {
  readonly #bytes: number[] = [];
  readonly #handles: number[] = [];
  #now = 0;
  #peak = 0;

  /** A tensor that nobody holds yet. */
  add(bytes: number): Entry {
    this.#handles.push(0);
    return this.#bytes.push(bytes) - 1;
  }

  /** A new tensor, held once. */
  make(bytes: number): Entry {
    return this.hold(this.add(bytes));
  }

  /** One handle more; a tensor counts once, however many there are. */
  hold(entry: Entry): Entry {
    if (this.#handles[entry] === 0) this.#now += this.#bytes[entry] ?? 0;
    this.#handles[entry] = (this.#handles[entry] ?? 0) + 1;
    this.#peak = Math.max(this.#peak, this.#now);
    return entry;
  }

  /** One handle less; the last one frees it. */
  release(entry: Entry): void {
    const left = (this.#handles[entry] ?? 0) - 1;
    this.#handles[entry] = left;
    if (left === 0) this.#now -= this.#bytes[entry] ?? 0;
    if (left < 0) throw new Error(`tensor ${entry} of the ledger is released more often than held`);
  }

  /** Memory that is there for a moment. */
  scratch(bytes: number): void {
    this.#peak = Math.max(this.#peak, this.#now + bytes);
  }

  bytesOf(entry: Entry): number {
    return this.#bytes[entry] ?? 0;
  }

  isHeld(entry: Entry): boolean {
    return (this.#handles[entry] ?? 0) > 0;
  }

  /** Bytes alive. */
  get now(): number {
    return this.#now;
  }

  /** The most bytes alive since the last call of this, which begins anew. */
  takePeak(): number {
    const peak = this.#peak;
    this.#peak = this.#now;
    return peak;
  }
}
