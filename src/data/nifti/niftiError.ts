/** What can be wrong with a NIfTI file. */
export type NiftiFault =
  | 'unreadable'
  | 'not nifti'
  | 'corrupt gzip'
  | 'truncated'
  | 'header'
  | 'type'
  | 'size'
  | 'orientation'
  | 'values'
  | 'unwritable';

/** A NIfTI file that cannot be read or written: which one, what is wrong with it, and what mends it. */
export class NiftiError extends Error {
  override readonly name = 'NiftiError';
  readonly file: string;
  readonly fault: NiftiFault;
  readonly remedy: string;

  constructor(file: string, fault: NiftiFault, message: string, remedy: string, cause?: unknown) {
    super(`${file}: ${message}. ${remedy}`, cause === undefined ? undefined : { cause });
    this.file = file;
    this.fault = fault;
    this.remedy = remedy;
  }
}
