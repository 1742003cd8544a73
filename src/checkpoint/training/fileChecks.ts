import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from './checkpointError.ts';
import type { Manifest } from './manifest.ts';
import { refused } from './systemFault.ts';

type ListedFile = Manifest['files'][number];

/** Throws a CheckpointError where a file has not the size that it should have. */
export async function checkSize(folder: string, { name, bytes }: ListedFile): Promise<void> {
  const path = join(folder, name);
  // Opened, since over a network only that looks anew at what another host has written.
  const size = await sizeOf(path).catch(refused(path, 'cannot be read'));
  if (size !== bytes)
    throw new CheckpointError(path, {
      problem: `has ${size} bytes where the manifest says ${bytes}`,
      remedy: 'take another checkpoint of the run',
    });
}

async function sizeOf(path: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

/** Reads a file whole; throws a CheckpointError where it is not what was written, and the signal's reason where it is aborted. */
export async function checkContent(folder: string, { name, sha256 }: ListedFile, signal?: AbortSignal): Promise<void> {
  const path = join(folder, name);
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(path, { highWaterMark: PIECE })) {
      signal?.throwIfAborted();
      hash.update(piece as Buffer);
    }
  } catch (error) {
    signal?.throwIfAborted();
    refused(path, 'cannot be read')(error);
  }
  if (hash.digest('hex') !== sha256)
    throw new CheckpointError(path, {
      problem: 'was changed after it was written (another SHA-256 than in the manifest)',
      remedy: 'take another checkpoint of the run',
    });
}

const PIECE = 1 << 22;
