import { CheckpointError, type CheckpointFault } from './checkpointError.ts';

const room = 'free some space, or keep fewer checkpoints (checkpoints.keep)';
const rights = 'let the user that trains write there';

/** What people can do about what the operating system refuses. */
const causes: Readonly<Record<string, readonly [cause: string, remedy: string]>> = {
  ENOSPC: ['the disk is full', room],
  EDQUOT: ['the quota of the disk is used up', room],
  EFBIG: ['the file would be larger than is allowed', 'raise the limit (ulimit -f), or take another file system'],
  EACCES: ['access is denied', rights],
  EPERM: ['access is denied', rights],
  EROFS: ['the disk is read-only', 'mount it for writing, or take another disk with --output'],
  ENOENT: [
    'there is no such file or folder',
    "see that the run's folder is still there, on a disk that every host sees",
  ],
  ENOTDIR: ['there is a file where a folder should be', 'move that file away'],
  EISDIR: ['there is a folder where a file should be', 'move that folder away'],
  EMFILE: ['too many files are open', 'raise the limit (ulimit -n)'],
  EIO: ['the disk does not work', 'see what the system says of it (dmesg)'],
  ESTALE: ['the network file system has lost it', 'mount it anew'],
};

/** What the system's refusal to do something (`cannot be written`) means, and the remedy. */
export function systemFault(error: unknown, what: string): CheckpointFault {
  const { code, message } = error as NodeJS.ErrnoException;
  const [cause, remedy] = causes[code ?? ''] ?? [message, 'see that the disk is sound'];
  return { problem: `${what}: ${cause}${code === undefined ? '' : ` (${code})`}`, remedy, code };
}

/** For `catch`: throws what the system refused as a CheckpointError; what is one already stays as it is. */
export const refused =
  (path: string, what: string) =>
  (error: unknown): never => {
    throw error instanceof CheckpointError
      ? error
      : new CheckpointError(path, systemFault(error, what), { cause: error });
  };
