import { randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a file so that a reader finds the old one or the new one, whole: a temporary file in the same folder, flushed to the
 * disk, then renamed. A failure leaves the old file and no temporary one; so does `check`, where it does not like what was written.
 */
export const atomicWrite = async (
  path: string,
  write: (file: FileHandle) => Promise<void>,
  check?: (temporary: string) => Promise<void>,
): Promise<void> => {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await check?.(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
};

/** A rename, or a new folder, itself survives a power cut only when the folder around it is flushed, too. */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
