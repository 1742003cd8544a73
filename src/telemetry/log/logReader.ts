import { open, stat, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseLine, type LogEntry } from './entry.ts';
import { LineSplitter } from './lines.ts';
import { setAside } from './logFile.ts';

const CHUNK = 65_536;

/**
 * The log of one process, from the file that was set aside on to the one that is written now, a chunk at a time in memory.
 * What comes later is read when `entries` is called again.
 */
export class LogReader {
  readonly #path: string;
  readonly #chunk = Buffer.allocUnsafe(CHUNK);
  readonly #lines = new LineSplitter();
  #file: FileHandle | undefined;
  #before: Pick<LogEntry, 'time' | 'process'>;

  constructor(path: string) {
    this.#path = path;
    this.#before = { time: 0, process: basename(path, '.jsonl') };
  }

  /** Whole lines up to where the file ends now. */
  async *entries(): AsyncGenerator<LogEntry> {
    this.#file ??= (await opened(setAside(this.#path))) ?? (await opened(this.#path));
    while (this.#file) {
      // Asked before the last bytes are read: what is set aside is written no more.
      const next = await this.#next(this.#file);
      yield* this.#toItsEnd(this.#file);
      if (!next) return;
      yield* this.half();
      await this.#file.close();
      this.#file = next;
    }
  }

  /** What stands behind the last newline: a line that is being written, or one that will never be whole. */
  *half(): Generator<LogEntry> {
    const rest = this.#lines.rest();
    if (rest !== '') yield this.#entry(rest);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async *#toItsEnd(file: FileHandle): AsyncGenerator<LogEntry> {
    for (;;) {
      const { bytesRead } = await file.read(this.#chunk, 0, CHUNK);
      if (bytesRead === 0) return;
      for (const line of this.#lines.add(this.#chunk.subarray(0, bytesRead))) yield this.#entry(line);
    }
  }

  /** The file that is written now, where that is another one than `file`. */
  async #next(file: FileHandle): Promise<FileHandle | undefined> {
    const [now, own] = await Promise.all([stat(this.#path).catch(() => undefined), file.stat()]);
    return now && now.ino !== own.ino ? opened(this.#path) : undefined;
  }

  #entry(text: string): LogEntry {
    return (this.#before = parseLine(text, this.#before));
  }
}

async function opened(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
