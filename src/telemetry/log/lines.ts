/** Characters of a line that are kept: no line that was written here is longer, and memory must have a bound. */
const LONGEST = 1_000_000;

/**
 * Bytes to lines, however they come. A line that is not yet whole stays here until the rest has come; `rest` gives it where
 * nothing will.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** The lines that these bytes end, without their newlines; empty ones are none. */
  add(bytes: Uint8Array): string[] {
    const parts = this.#decoder.decode(bytes, { stream: true }).split('\n');
    parts[0] = this.#rest + parts[0]!;
    this.#rest = parts.pop()!.slice(0, LONGEST);
    return parts.filter((line) => line !== '').map((line) => line.slice(0, LONGEST));
  }

  rest(): string {
    const rest = this.#rest + this.#decoder.decode();
    this.#rest = '';
    return rest;
  }
}
