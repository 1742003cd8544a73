import { Refusals } from '../../src/coordinator/refusals.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { readSafetensors, type StoredTensor } from '../../src/checkpoint/safetensors.ts';
import { phasesOf } from '../../src/config/phases.ts';
import { runFileSchema, type RunFile } from '../../src/config/runFile.ts';
import type { Crew } from '../../src/coordinator/crew.ts';
import { FailureReports } from '../../src/coordinator/failureReports.ts';
import { Checkpoints } from '../../src/coordinator/keeping/checkpoints.ts';
import { resumePoint } from '../../src/coordinator/keeping/resume.ts';
import { LastStep } from '../../src/coordinator/lastStep.ts';
import { PhaseTraining } from '../../src/coordinator/phaseTraining.ts';
import { planPhases } from '../../src/coordinator/planPhases.ts';
import type { Shape } from '../../src/coordinator/replicas.ts';
import { ValidationCases } from '../../src/coordinator/validationCases.ts';
import { runFiles } from '../../src/telemetry/runDirectory.ts';
import type { TrainEvent } from '../../src/telemetry/trainEvent.ts';

export interface PhaseOn {
  /** As it would stand in a run file. */
  readonly run: { readonly pipeline: object } & Record<string, unknown>;
  readonly shape: Shape;
  /** The run's folder, which is there; what is resumed has a checkpoint in it. */
  readonly directory: string;
  /** Where paths of the run file begin. */
  readonly baseDirectory: string;
  readonly resume?: boolean;
  /** Told what happens, as it happens. */
  readonly told?: (event: TrainEvent) => void;
}

export interface PhaseOutcome {
  /** By step, the last that was told of it. */
  readonly losses: ReadonlyMap<number, number>;
  readonly weights: ReadonlyMap<string, StoredTensor>;
  readonly events: readonly TrainEvent[];
}

/**
 * A run of one phase over workers that are there already, as `lamp train` would have it go: starting processes is most of what a
 * short run takes.
 */
export async function trainPhaseOn(crew: Crew, options: PhaseOn): Promise<PhaseOutcome> {
  const { directory, baseDirectory, resume = false, told, shape } = options;
  const asked = options.run;
  const run: RunFile = runFileSchema.parse({ ...asked, pipeline: { ...asked.pipeline, ...shape } });
  const events: TrainEvent[] = [];
  const report = (event: TrainEvent): void => {
    events.push(event);
    told?.(event);
  };
  const { signal } = new AbortController();
  const lastStep = new LastStep(signal);
  const checkpoints = new Checkpoints({ runDirectory: directory, keep: run.checkpoints.keep, report });
  // A checkpoint has a copy of it.
  writeFileSync(join(directory, runFiles.run), stringify(asked));
  const [planned] = await planPhases(phasesOf(run), baseDirectory);
  try {
    const training = new PhaseTraining({
      ...{ planned: planned!, number: 0, directory, baseDirectory, crew, lastStep, checkpoints, report, signal },
      ...{
        ended: [],
        before: { steps: 0, epochs: 0 },
        trace: undefined,
        refusals: new Refusals(),
        weights: undefined,
        launched: () => {},
      },
      cases: new ValidationCases(run, baseDirectory),
      failures: new FailureReports({ directory, run: run.name }),
      resume: resume ? await resumePoint(directory, (text) => report({ kind: 'note', text })) : undefined,
    });
    await training.run();
  } finally {
    await checkpoints.dispose();
    lastStep.dispose();
  }
  const losses = new Map(events.flatMap((event) => (event.kind === 'step' ? [[event.step, event.loss]] : [])));
  const { tensors } = await readSafetensors(join(directory, 'weights.safetensors'));
  return { losses, weights: tensors, events };
}
