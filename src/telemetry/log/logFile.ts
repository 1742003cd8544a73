import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const NEWLINE = 0x0a;
/** Bytes of a file, after which it is set aside. */
const LIMIT = 50e6;

/** What a file is called that has reached its limit; the one that was called so before is gone. */
export const setAside = (path: string): string => `${path}.1`;

export interface LogFileOptions {
  readonly limit?: number | undefined;
  /** Told once, when nothing can be written any more. */
  readonly onLost: (path: string, error: unknown) => void;
}

/**
 * Lines at the end of a file, which other processes of the same role may have begun. Each line is one write(2), and with
 * the system when `write` returns: it survives this process, whatever end that has. Never throws: a disk that is full must
 * not stop a run, so it says that once, and writes no more.
 */
export class LogFile {
  readonly path: string;
  readonly #limit: number;
  readonly #onLost: LogFileOptions['onLost'];
  #file: number | undefined;
  #size = 0;
  /** What was there before ends within a line: its writer was killed, or the disk was full. */
  #torn = false;

  constructor(path: string, { limit = LIMIT, onLost }: LogFileOptions) {
    this.path = path;
    this.#limit = limit;
    this.#onLost = onLost;
    this.#attempt(() => {
      mkdirSync(dirname(path), { recursive: true });
      this.#open();
    });
  }

  /** `line` ends with a newline. */
  write(line: string): void {
    if (this.#file === undefined) return;
    this.#attempt(() => {
      const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
      this.#torn = false;
      if (this.#size > 0 && this.#size + bytes.length > this.#limit) this.#rotate();
      const written = writeSync(this.#file!, bytes);
      this.#size += written;
      if (written < bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes were written`);
    });
  }

  close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file);
  }

  #open(): void {
    // Read, too, for its last byte.
    this.#file = openSync(this.path, 'a+');
    this.#size = fstatSync(this.#file).size;
    const last = Buffer.of(NEWLINE);
    if (this.#size > 0) readSync(this.#file, last, 0, 1, this.#size - 1);
    this.#torn = last[0] !== NEWLINE;
  }

  #rotate(): void {
    this.close();
    renameSync(this.path, setAside(this.path));
    this.#open();
  }

  #attempt(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #giveUp(error: unknown): void {
    const file = this.#file;
    this.#file = undefined;
    this.#onLost(this.path, error);
    try {
      if (file !== undefined) closeSync(file);
    } catch {
      // It was what failed.
    }
  }
}
