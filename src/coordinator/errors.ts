import { describeDuring } from '../telemetry/failureReport/during.ts';
import type { ProcessFacts } from '../telemetry/failureReport/facts.ts';

/** A process of the run failed, and with it the run. The first failure is the one that is told. */
export class RunFailure extends Error {
  override readonly name = 'RunFailure';
  /** `worker 1`, `loader`. */
  readonly peer: string;
  /** Stages that the worker holds. */
  readonly stages: readonly number[];
  /** What it was doing: an action such as `1B3`, a request such as `apply`, or nothing (`idle`). */
  readonly during: string;
  readonly step: number | undefined;
  /** The last that it wrote to its standard error. */
  readonly output: string;
  /** All processes of the run when the failure was noticed. */
  readonly processes: readonly ProcessFacts[];
  /** Milliseconds since 1970. */
  readonly time = Date.now();
  /** The file that says more, once it is written. */
  report: string | undefined;

  constructor(
    peer: string,
    fault: {
      stages: readonly number[];
      during: string;
      step: number | undefined;
      output: string;
      cause: unknown;
      processes?: readonly ProcessFacts[];
    },
  ) {
    const stages = fault.stages.length === 0 ? '' : ` (stage ${fault.stages.join(', ')})`;
    const step = fault.step === undefined ? '' : ` in step ${fault.step}`;
    const cause = fault.cause instanceof Error ? fault.cause.message : String(fault.cause);
    super(`${peer}${stages} failed${step} ${describeDuring(fault.during)}: ${cause}`, { cause: fault.cause });
    this.peer = peer;
    this.stages = fault.stages;
    this.during = fault.during;
    this.step = fault.step;
    this.output = fault.output;
    this.processes = fault.processes ?? [];
  }
}

/** An error that another process reported, with its name and stack kept. */
export class RemoteError extends Error {
  constructor(report: { name: string; message: string; stack?: string | undefined }) {
    super(report.name === 'Error' ? report.message : `${report.name}: ${report.message}`);
    this.name = report.name;
    if (report.stack !== undefined) this.stack = report.stack;
  }
}

/** A process is there and says nothing: it was stopped (SIGSTOP, a debugger), or its machine cannot be reached. */
export class SilenceError extends Error {
  override readonly name = 'SilenceError';
  readonly milliseconds: number;

  constructor(milliseconds: number) {
    super(
      `no sign of life for ${Math.round(milliseconds / 1000)} s: it has been stopped, or the machine has no time for it`,
    );
    this.milliseconds = milliseconds;
  }
}

/** A process lives, and its main thread has been at the same thing for too long: in a kernel or a driver that does not return. */
export class HangError extends Error {
  override readonly name = 'HangError';
  readonly milliseconds: number;

  constructor(milliseconds: number) {
    super(
      `it has computed for ${Math.round(milliseconds / 1000)} s and got no further: a kernel or the driver hangs, or recovery.hang is ` +
        'shorter than one action takes',
    );
    this.milliseconds = milliseconds;
  }
}

/** All processes wait for one another, and none has got any further: a message was lost on its way. */
export class StallError extends Error {
  override readonly name = 'StallError';
  readonly milliseconds: number;

  constructor(milliseconds: number) {
    super(
      `nothing has moved for ${Math.round(milliseconds / 1000)} s, and everybody waits: a message was lost where a connection broke`,
    );
    this.milliseconds = milliseconds;
  }
}

/** A process of another host has gone: it ended, or whoever started it took it back. */
export class LeftError extends Error {
  override readonly name = 'LeftError';
}

/** No failure: workers have come that the run is to be laid on, too. */
export class NewcomersError extends Error {
  override readonly name = 'NewcomersError';
}

/** All workers were lost, and none could be started in their places. */
export class NoWorkersError extends Error {
  override readonly name = 'NoWorkersError';

  constructor() {
    super('no worker is left, and none could be started: --resume goes on from the last checkpoint');
  }
}
