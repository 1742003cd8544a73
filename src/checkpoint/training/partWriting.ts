import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What is known of a file that was written: as a manifest lists it. */
export interface WrittenPart {
  readonly bytes: number;
  readonly sha256: string;
}

/** Hashed and written by pieces that the processor's cache still holds. */
const PIECE = 1 << 20;

/**
 * Writes a file whole or not at all, as `atomicWrite` does, and hashes it on the way. It blocks, and is for a thread that does
 * nothing else. On failure the temporary file is removed, and what the system said is thrown.
 */
export function writeHashed(file: string, chunks: readonly Uint8Array[]): WrittenPart {
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  try {
    const written = writeAll(temporary, chunks);
    renameSync(temporary, file);
    syncFolder(dirname(file));
    return written;
  } catch (error) {
    removeQuietly(temporary);
    throw error;
  }
}

function writeAll(file: string, chunks: readonly Uint8Array[]): WrittenPart {
  const hash = createHash('sha256');
  let bytes = 0;
  const descriptor = openSync(file, 'wx');
  try {
    for (const chunk of chunks)
      for (let start = 0; start < chunk.length; start += PIECE) {
        const piece = chunk.subarray(start, start + PIECE);
        hash.update(piece);
        bytes += writePiece(descriptor, piece);
      }
    fsyncSync(descriptor);
  } finally {
    // A network file system may say only now that its disk is full.
    closeSync(descriptor);
  }
  return { bytes, sha256: hash.digest('hex') };
}

function writePiece(descriptor: number, piece: Uint8Array): number {
  let done = 0;
  while (done < piece.length) done += writeSync(descriptor, piece, done, piece.length - done);
  return done;
}

/** The rename itself survives a power cut only when the folder is flushed too. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** What was thrown first is what people should hear of. */
function removeQuietly(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // A disk that cannot be written to cannot forget either.
  }
}
