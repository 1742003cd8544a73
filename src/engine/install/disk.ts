import { statfs } from 'node:fs/promises';
import { FREE_DISK, InstallError } from './installError.ts';

/** Free bytes, for us, on the disk that holds a folder. */
export async function freeDisk(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Says beforehand that the disk is too small, rather than when it is full. */
export function checkDisk(folder: string, free: number, needed: number): void {
  if (free >= needed) return;
  throw new InstallError('disk', `${folder} has ${gigabytes(free)} of disk left; ${gigabytes(needed)} are needed`, {
    remedy: FREE_DISK,
  });
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
