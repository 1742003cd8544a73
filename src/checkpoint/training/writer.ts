import { Worker } from 'node:worker_threads';
import { layOut, type HostTensor } from '../safetensors.ts';
import { CheckpointError, type CheckpointFault } from './checkpointError.ts';
import type { WrittenPart } from './partWriting.ts';

/** What the thread is asked for: a file of these bytes. */
export interface WriteJob {
  readonly number: number;
  readonly file: string;
  readonly chunks: readonly Uint8Array[];
}

export type WriteReply = { readonly number: number } & (
  | { readonly written: WrittenPart }
  | { readonly fault: CheckpointFault }
);

/**
 * Writes a safetensors file whole or not at all, flushed to the disk, in a thread of its own: the event loop of a process that
 * computes stands still for minutes, and the disk need not wait for it. Values in shared memory are handed over as they lie,
 * and must stay as they are until this resolves; others are copied before this returns. Parts are written one after the other.
 * Throws a CheckpointError that names the file, the cause and the remedy; then no temporary file is left.
 */
export async function writePart(
  file: string,
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<WrittenPart> {
  const { header, ordered } = layOut(file, tensors, metadata);
  writer ??= new Writer();
  return writer.write(file, [header, ...ordered.map(ownOrShared)]);
}

/** Ends the thread when all that it was given is written. One that is needed later is started anew. */
export async function disposeWriter(): Promise<void> {
  const ending = writer;
  writer = undefined;
  await ending?.close();
}

let writer: Writer | undefined;

/** The bytes where they are, if threads share them; else a copy that can be given away. */
function ownOrShared({ buffer, byteOffset, byteLength }: HostTensor['values']): Uint8Array {
  if (buffer instanceof SharedArrayBuffer) return new Uint8Array(buffer, byteOffset, byteLength);
  return new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

/** The built file of the thread, also where the sources run themselves. */
const entry = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/checkpoint/training/writerThread.js' : './writerThread.js',
  import.meta.url,
);

interface Waiting {
  readonly file: string;
  readonly resolve: (written: WrittenPart) => void;
  readonly reject: (error: CheckpointError) => void;
}

/** The thread, as seen from outside. It keeps the process alive only while it writes. */
class Writer {
  // Its own options: those that this process was started with may be for its main script alone (`--input-type`).
  readonly #thread = new Worker(entry, { execArgv: [] });
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #idle: (() => void) | undefined;

  constructor() {
    this.#thread.unref();
    this.#thread.on('message', (reply: WriteReply) => this.#settle(reply));
    this.#thread.once('error', (error) => this.#crash(error.message));
    this.#thread.once('exit', (code) => this.#crash(`it ended with code ${code}`));
  }

  async write(file: string, chunks: readonly Uint8Array[]): Promise<WrittenPart> {
    return new Promise((resolve, reject) => {
      const number = this.#next++;
      this.#waiting.set(number, { file, resolve, reject });
      this.#thread.ref();
      const copies = chunks.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []));
      this.#thread.postMessage({ number, file, chunks } satisfies WriteJob, copies);
    });
  }

  async close(): Promise<void> {
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await this.#thread.terminate();
  }

  #settle(reply: WriteReply): void {
    const { file, resolve, reject } = this.#waiting.get(reply.number)!;
    this.#waiting.delete(reply.number);
    if (this.#waiting.size === 0) this.#rest();
    if ('written' in reply) resolve(reply.written);
    else reject(new CheckpointError(file, reply.fault));
  }

  #crash(why: string): void {
    if (writer === this) writer = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { file, reject } of waiting)
      reject(
        new CheckpointError(file, {
          problem: `cannot be written: the thread that writes has failed (${why})`,
          remedy: 'see that the machine has memory left',
        }),
      );
    this.#rest();
  }

  #rest(): void {
    this.#thread.unref();
    this.#idle?.();
  }
}
