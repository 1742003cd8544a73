import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { InstallError } from './installError.ts';
import { parseRecord, type RecordedFile } from './wheelRecord.ts';

export interface UnpackOptions {
  /** Where a member goes; undefined leaves it in the wheel. */
  readonly target: (member: string) => string | undefined;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
}

/** A wheel (a zip with a list of its files' digests), read member by member: some are larger than memory should hold. */
export class Wheel {
  readonly #zip: ZipFile;
  readonly #entries: readonly Entry[];
  readonly #name: string;

  private constructor(zip: ZipFile, entries: readonly Entry[], name: string) {
    this.#zip = zip;
    this.#entries = entries;
    this.#name = name;
  }

  static async open(path: string): Promise<Wheel> {
    const name = basename(path);
    try {
      const zip = await openPromise(path, { autoClose: false, lazyEntries: true });
      const entries: Entry[] = [];
      for await (const entry of zip.eachEntry()) entries.push(entry);
      return new Wheel(zip, entries, name);
    } catch (cause) {
      throw corrupt(`${name} is no whole wheel (${(cause as Error).message})`, cause);
    }
  }

  close(): void {
    this.#zip.close();
  }

  /** METADATA: what the package is and needs. */
  async metadata(): Promise<string> {
    return this.#text('METADATA');
  }

  /** Unpacks the members that have a target, each checked against RECORD; returns their paths in the wheel. */
  async unpack({ target, signal, progress }: UnpackOptions): Promise<string[]> {
    const record = parseRecord(await this.#text('RECORD'));
    const chosen = this.#entries.flatMap((entry) => {
      const path = entry.fileName.endsWith('/') ? undefined : target(entry.fileName);
      return path === undefined ? [] : [{ entry, path }];
    });
    const total = chosen.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0);
    let done = 0;
    for (const { entry, path } of chosen) {
      const before = done;
      await this.#write(entry, path, record.get(entry.fileName), signal, (bytes) => progress(before + bytes, total));
      done += entry.uncompressedSize;
    }
    return chosen.map(({ entry }) => entry.fileName);
  }

  async #write(
    entry: Entry,
    path: string,
    recorded: RecordedFile | undefined,
    signal: AbortSignal,
    progress: (bytes: number) => void,
  ): Promise<void> {
    if (recorded === undefined) throw corrupt(`${this.#name}: ${entry.fileName} is not in its RECORD`);
    await mkdir(dirname(path), { recursive: true });
    const hash = createHash('sha256');
    let bytes = 0;
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, forward) {
        hash.update(chunk);
        bytes += chunk.length;
        progress(bytes);
        forward(null, chunk);
      },
    });
    try {
      await pipeline(await this.#zip.openReadStreamPromise(entry), measure, createWriteStream(path), { signal });
    } catch (cause) {
      signal.throwIfAborted();
      // The system's own errors (a full disk) have a code; what remains is the zip's.
      if ((cause as NodeJS.ErrnoException).syscall !== undefined) throw cause;
      throw corrupt(`${this.#name}: ${entry.fileName} cannot be unpacked (${(cause as Error).message})`, cause);
    }
    if (hash.digest('base64url') !== recorded.sha256) {
      throw corrupt(`${this.#name}: ${entry.fileName} is not what its RECORD says (sha256)`);
    }
    if (isProgram(entry)) await chmod(path, 0o755);
  }

  async #text(file: string): Promise<string> {
    const entry = this.#entries.find(
      ({ fileName }) => fileName.endsWith(`.dist-info/${file}`) && depth(fileName) === 2,
    );
    if (entry === undefined) throw corrupt(`${this.#name} has no ${file}`);
    try {
      return (await buffer(await this.#zip.openReadStreamPromise(entry))).toString('utf8');
    } catch (cause) {
      throw corrupt(`${this.#name}: ${file} cannot be read (${(cause as Error).message})`, cause);
    }
  }
}

/** Where members keep their place below a folder. Names that climb out of it do not get past the zip library. */
export const below =
  (folder: string) =>
  (member: string): string =>
    join(folder, member);

const depth = (member: string): number => member.split('/').length;

/** The Unix mode is in the upper half of the external attributes. */
const isProgram = (entry: Entry): boolean => ((entry.externalFileAttributes >>> 16) & 0o111) !== 0;

const corrupt = (message: string, cause?: unknown): InstallError =>
  new InstallError('corrupt wheel', message, { remedy: 'npm run setup downloads it again', cause });
