export interface CheckpointFault {
  /** What is wrong, in words that stand behind the path. */
  readonly problem: string;
  readonly remedy: string;
  /** What the operating system called it, such as ENOSPC, where it was the system that refused. */
  readonly code?: string | undefined;
}

/** A checkpoint, or a file of one, that cannot be written, read or used. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
  readonly path: string;
  readonly problem: string;
  readonly remedy: string;
  readonly code: string | undefined;

  constructor(path: string, { problem, remedy, code }: CheckpointFault, options?: ErrorOptions) {
    super(`${path}: ${problem}; ${remedy}`, options);
    this.path = path;
    this.problem = problem;
    this.remedy = remedy;
    this.code = code;
  }
}
