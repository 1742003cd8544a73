/** What can be wrong with a .npy file. */
export type NpyFault = 'unreadable' | 'not npy' | 'truncated' | 'header' | 'type' | 'size' | 'values';

/** A .npy file that cannot be read: which one, what is wrong with it, and what mends it. */
export class NpyError extends Error {
  override readonly name = 'NpyError';
  readonly file: string;
  readonly fault: NpyFault;
  readonly remedy: string;

  constructor(file: string, fault: NpyFault, message: string, remedy: string, cause?: unknown) {
    super(`${file}: ${message}. ${remedy}`, cause === undefined ? undefined : { cause });
    this.file = file;
    this.fault = fault;
    this.remedy = remedy;
  }
}
