import type { Phase } from '../config/phases.ts';
import type { PhaseSummary } from '../telemetry/trainEvent.ts';
import type { PhaseRun } from './phaseRun.ts';

/** What is told of a phase that has ended. */
export function summaryOf({ name, run }: Phase, { done, validations }: PhaseRun): PhaseSummary {
  const { mean, structures } = validations.found;
  const { steps, epochs, updates, seconds } = done;
  return {
    ...(name === undefined ? {} : { phase: name }),
    ...{ steps, epochs, updates, seconds },
    stoppedEarly: validations.exhausted && done.epochs < run.training.epochs,
    ...(mean ? { best: { meanDice: mean.dice, epoch: mean.epoch } } : {}),
    structures,
  };
}
