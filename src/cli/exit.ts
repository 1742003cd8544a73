import { inspect } from 'node:util';
import { CommanderError } from 'commander';
import { MachineFileError } from '../config/loadMachineFile.ts';
import { ModelFileError } from '../config/loadModelFile.ts';
import { RunFileError } from '../config/runFileError.ts';
import { OnnxError } from '../checkpoint/onnx/onnxError.ts';
import { CheckpointError } from '../checkpoint/training/checkpointError.ts';
import { ParameterLoadError } from '../checkpoint/parameters.ts';
import { SafetensorsError } from '../checkpoint/safetensorsError.ts';
import { RunEndedError } from '../coordinator/agent/errors.ts';
import { RunFailure } from '../coordinator/errors.ts';
import { PhaseError } from '../coordinator/phaseError.ts';
import { ImageDoesNotFitError, PredictInputError } from '../coordinator/prediction/errors.ts';
import { DataError } from '../data/dataError.ts';
import { NiftiError } from '../data/nifti/niftiError.ts';
import { NpyError } from '../data/npy/npyError.ts';
import { OwnModelError } from '../models/own/error.ts';
import { PairingError } from '../inference/evaluate/pairs.ts';
import { CutError } from '../partition/balance.ts';
import { PlanError } from '../partition/limits.ts';
import { PlanDoesNotFitError } from '../partition/plan/shortage.ts';
import { ProfileError, ProfileMismatchError } from '../partition/profile.ts';
import { UserScheduleError } from '../pipeline/userSchedule.ts';
import { RunDirectoryError } from '../telemetry/runDirectory.ts';
import { RunLockedError } from '../telemetry/runLock.ts';
import { TrainingStateError } from '../coordinator/keeping/trainingState.ts';
import { AddressSyntaxError, InsecureAddressError, KeyFileError, PortsTakenError } from '../transport/errors.ts';

/** What an exit code means; the help lists them. */
export const exitCodes = {
  ok: 0,
  /** The command failed, or `parity` found a difference. */
  failed: 1,
  /** An option, a run file or an input cannot be used: told before anything starts. */
  usage: 2,
  /**
   * Ended by SIGTERM with a checkpoint to go on from: a scheduler may start it again (EX_TEMPFAIL of sysexits.h). Of a worker: its run
   * was stopped.
   */
  preempted: 75,
  interrupted: 130,
  terminated: 143,
} as const;

/** An argument of a command that cannot be used. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** Ended by a signal from outside. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly signal: 'SIGINT' | 'SIGTERM';

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`stopped by ${signal === 'SIGINT' ? 'Ctrl-C' : signal}`);
    this.signal = signal;
  }
}

/** Stopped by a signal, with a checkpoint to go on from. */
export class PreemptedError extends InterruptedError {
  constructor(signal: 'SIGINT' | 'SIGTERM', directory: string) {
    super(signal);
    this.message += `; to go on: lamp train --resume ${directory}`;
  }

  /** What an error is where a checkpoint was saved. */
  static of(error: unknown, directory: string): unknown {
    return error instanceof InterruptedError ? new PreemptedError(error.signal, directory) : error;
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof PhaseError) return exitCodeOf(error.cause);
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof RunEndedError) return exitCodes[error.interrupted ? 'preempted' : 'failed'];
  if (error instanceof PreemptedError && error.signal === 'SIGTERM') return exitCodes.preempted;
  if (error instanceof InterruptedError) return exitCodes[error.signal === 'SIGINT' ? 'interrupted' : 'terminated'];
  return inputErrors.some((kind) => error instanceof kind) ? exitCodes.usage : exitCodes.failed;
}

/** What was given is wrong, and was found so before any worker started: from a worker it comes as a RunFailure. */
const inputErrors = [
  ...[
    InputError,
    PairingError,
    RunFileError,
    ModelFileError,
    OwnModelError,
    MachineFileError,
    ProfileError,
    ProfileMismatchError,
    RunDirectoryError,
    RunLockedError,
    TrainingStateError,
  ],
  ...[PredictInputError, ImageDoesNotFitError, ParameterLoadError, OnnxError, CheckpointError],
  ...[KeyFileError, AddressSyntaxError, InsecureAddressError, PortsTakenError],
  ...[UserScheduleError, PlanError, PlanDoesNotFitError, CutError, DataError, NiftiError, NpyError, SafetensorsError],
];

/**
 * One message for an error: what went wrong, and what it came from where the message does not say so itself. With
 * `stack`, where in the code. An error without a name of its own is ours to mend: it says how to see more.
 */
export function explainError(error: unknown, { stack }: { stack: boolean }): string {
  if (stack) return describeStack(error) + lastOutput(error);
  const messages = [...causes(error)].filter((text, i, all) => !all.slice(0, i).some((told) => told.includes(text)));
  const named = error instanceof Error && !plainErrors.has(error.name);
  const hint = named ? '' : '\n(unexpected: --verbose shows where)';
  return messages.map((text, i) => (i === 0 ? text : `  because ${text}`)).join('\n') + lastOutput(error) + hint;
}

/** What a process that failed had written last: where it was killed, that is all that it could say; and where more is told. */
function lastOutput(error: unknown): string {
  if (!(error instanceof RunFailure)) return '';
  const report = error.report === undefined ? '' : `\n  what is known of it: ${error.report}`;
  if (error.output.trim() === '') return report;
  const lines = error.output.trimEnd().split('\n').slice(-10);
  return `\n  its last words:\n${lines.map((line) => `    ${line}`).join('\n')}${report}`;
}

const plainErrors = new Set(['Error', 'TypeError', 'RangeError', 'ReferenceError', 'SyntaxError']);

function* causes(error: unknown): Generator<string> {
  let each = error;
  // A cause that leads back to itself would never end.
  for (let depth = 0; depth < 5 && each !== undefined && each !== null; depth++) {
    yield each instanceof Error ? each.message : inspect(each);
    each = each instanceof Error ? each.cause : undefined;
  }
}

function describeStack(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${describeStack(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
