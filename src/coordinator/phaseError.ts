import type { Phase } from '../config/phases.ts';
import { PlanError } from '../partition/limits.ts';

/** A phase of a run cannot be done as it is asked for: told before the first one begins. */
export class PhaseError extends Error {
  override readonly name = 'PhaseError';
  readonly phase: string;

  constructor(phase: string, number: number, cause: unknown) {
    super(`phase ${phase} (phases[${number}]): ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.phase = phase;
  }
}

/** Keys of a run file that a phase can say for itself. */
const phaseKey = /^(data|training|optimizer|pipeline)\./;

/** The same error, saying which phase it is about; itself where a run has no phases. */
export function inPhase(error: unknown, { name }: Phase, number: number): unknown {
  if (name === undefined) return error;
  if (!(error instanceof PlanError)) return new PhaseError(name, number, error);
  return new PlanError(
    error.faults.map((fault) => ({
      ...fault,
      key: phaseKey.test(fault.key) ? `phases[${number}].${fault.key}` : `phases[${number}], ${fault.key}`,
    })),
  );
}
