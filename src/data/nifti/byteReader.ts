/** First size of a growing buffer; it doubles as bytes arrive, so that no header can ask for memory that no file fills. */
const FIRST_BYTES = 4 * 1024 * 1024;

/** Reads a stream of chunks piece by piece. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /**
   * The next `length` bytes in an array of their own, or fewer where the stream ends. Where the bytes are known to be there,
   * `present` saves the growing.
   */
  async read(length: number, present = false): Promise<Uint8Array<ArrayBuffer>> {
    let buffer = new Uint8Array(present ? length : Math.min(length, FIRST_BYTES));
    let filled = 0;
    while (filled < length && (await this.#more())) {
      const piece = this.#take(length - filled);
      if (filled + piece.byteLength > buffer.byteLength) buffer = grow(buffer, filled + piece.byteLength, length);
      buffer.set(piece, filled);
      filled += piece.byteLength;
    }
    return filled === buffer.byteLength ? buffer : buffer.slice(0, filled);
  }

  /** Passes over `length` bytes; returns how many there were. */
  async skip(length: number): Promise<number> {
    let passed = 0;
    while (passed < length && (await this.#more())) passed += this.#take(length - passed).byteLength;
    return passed;
  }

  async #more(): Promise<boolean> {
    while (this.#rest.byteLength === 0) {
      const next = await this.#chunks.next();
      if (next.done) return false;
      this.#rest = next.value;
    }
    return true;
  }

  #take(most: number): Uint8Array {
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.byteLength);
    return piece;
  }
}

function grow(buffer: Uint8Array, least: number, most: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(most, Math.max(least, 2 * buffer.byteLength)));
  larger.set(buffer);
  return larger;
}
