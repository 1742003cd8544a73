/** What stood in the way of an engine. */
export type InstallFault =
  | 'platform'
  | 'pip'
  | 'wheel'
  | 'corrupt wheel'
  | 'compiler'
  | 'compilation'
  | 'disk'
  | 'cache'
  | 'prebuilt'
  | 'loading'
  | 'time'
  | 'unexpected';

export interface InstallErrorDetails {
  /** What mends it, as a line to type or a sentence. */
  readonly remedy?: string | undefined;
  /** The file with everything that the programs involved printed. */
  readonly log?: string | undefined;
  readonly cause?: unknown;
}

/** One way to an engine is closed; the message is a single line, the next way may be open. */
export class InstallError extends Error {
  override readonly name = 'InstallError';
  readonly fault: InstallFault;
  readonly remedy: string | undefined;
  readonly log: string | undefined;

  constructor(fault: InstallFault, message: string, { remedy, log, cause }: InstallErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.fault = fault;
    this.remedy = remedy;
    this.log = log;
  }
}

const UNWRITABLE = new Set(['EACCES', 'EROFS', 'EPERM', 'EEXIST', 'ENOTDIR']);

/** Any failure of a way as an InstallError: a full disk and a cache that cannot be written have a name of their own. */
export function asInstallError(error: unknown): InstallError {
  if (error instanceof InstallError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new InstallError('disk', `the disk is full (${message})`, { remedy: FREE_DISK, cause: error });
  }
  if (code !== undefined && UNWRITABLE.has(code)) {
    return new InstallError('cache', `the cache cannot be written (${message})`, {
      remedy: 'LAMP_CACHE=FOLDER npm run setup, with a folder that can be written',
      cause: error,
    });
  }
  return new InstallError('unexpected', message ?? String(error), { cause: error });
}

export const FREE_DISK = 'free some disk, or LAMP_CACHE=FOLDER npm run setup, with a folder on another disk';
