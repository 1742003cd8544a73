/** A case that could not be read, or that no sample could be made of: which file, and why. */
export class LoadError extends Error {
  override readonly name = 'LoadError';
  readonly file: string;
  /** Whether it is the data that is at fault (a DataError, a NiftiError), so that another case would do. */
  readonly bad: boolean;

  constructor({ file, message, bad, stack }: LoadFault) {
    super(message);
    this.file = file;
    this.bad = bad;
    if (stack !== undefined) this.stack = stack;
  }

  /** From whatever was thrown; what says which file it means is the data's fault. */
  static of(error: unknown, file: string): LoadError {
    if (error instanceof LoadError) return error;
    const { message, stack, name } = error instanceof Error ? error : new Error(String(error));
    const named = error instanceof Error && 'file' in error && typeof error.file === 'string' ? error.file : undefined;
    if (named !== undefined) return new LoadError({ file: named, message, bad: true, stack });
    return new LoadError({
      file,
      message: `${file}: ${name} while a sample was made of it: ${message}`,
      bad: false,
      stack,
    });
  }
}

/** The same between threads, where errors lose their class. */
export interface LoadFault {
  readonly file: string;
  readonly message: string;
  readonly bad: boolean;
  readonly stack?: string | undefined;
}
