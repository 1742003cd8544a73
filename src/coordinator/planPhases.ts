import type { Phase } from '../config/phases.ts';
import { inPhase } from './phaseError.ts';
import { checkFit } from './planFor.ts';
import { planTraining, type TrainingPlan } from './trainingPlan.ts';

/** A phase and what is known of it before any process starts. */
export interface PlannedPhase {
  readonly phase: Phase;
  readonly plan: TrainingPlan;
}

/**
 * Plans every phase, so that what is wrong with the last one is told before the first begins: what it is made of, and whether
 * it fits into the workers' memories.
 */
export async function planPhases(phases: readonly Phase[], baseDirectory: string): Promise<readonly PlannedPhase[]> {
  const planned: PlannedPhase[] = [];
  for (const [number, phase] of phases.entries())
    try {
      const plan = await planTraining(phase.run, baseDirectory);
      // The first is laid on its workers next, from measured times, and says then whether it fits.
      if (number > 0) await checkFit(phase.run, plan, baseDirectory);
      planned.push({ phase, plan });
    } catch (error) {
      throw inPhase(error, phase, number);
    }
  return planned;
}
