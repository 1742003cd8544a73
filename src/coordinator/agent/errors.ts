/** The coordinator could not be reached, or did not answer. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  readonly endpoint: string;

  constructor(endpoint: string, seconds: number, problem: string | undefined) {
    super(
      `no answer from a coordinator at ${endpoint} for ${seconds} s${problem === undefined ? '' : ` (${problem})`}: is that its address ` +
        '(lamp train says where it listens), does a firewall let this host through to it, are both given keys of one pair (--keys), ' +
        'and is the run not over?',
    );
    this.endpoint = endpoint;
  }
}

/** The run has ended, and not because it was done. */
export class RunEndedError extends Error {
  override readonly name = 'RunEndedError';
  /** Whether somebody stopped it, and it may be gone on with; else it failed. */
  readonly interrupted: boolean;

  constructor(problem: string, interrupted: boolean) {
    super(`the run has ended: ${problem}${interrupted ? '; start this again when the run goes on' : ''}`);
    this.interrupted = interrupted;
  }
}

/** The coordinator does not want this worker, or is not the one that it was taken for. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';

  constructor(endpoint: string, problem: string) {
    super(`the coordinator at ${endpoint} and this worker cannot work together: ${problem}`);
  }
}
