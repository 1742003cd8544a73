import type { RunFile } from '../config/runFile.ts';
import { cellFootprints, type CellFootprint } from '../partition/cellCost.ts';
import { samplesOf } from '../partition/measured.ts';
import type { Profile } from '../partition/profile.ts';
import { profileFor } from './costs.ts';
import { Crew } from './crew.ts';
import { profileFile, writeProfile } from './profileCache.ts';
import { sizesToMeasure } from './question.ts';
import { shapeOfRun } from './trainingPlan.ts';

export interface ProfileOptions {
  readonly run: RunFile;
  readonly baseDirectory: string;
  /** Whether to measure although it is known. */
  readonly force?: boolean | undefined;
  /** Where the profile is written, too. */
  readonly output?: string | undefined;
  readonly signal: AbortSignal;
}

/** What was measured for one size of micro-batch. */
export interface MeasuredRun {
  readonly profile: Profile;
  readonly file: string;
  /** What each cell takes of memory, counted. */
  readonly cells: readonly CellFootprint[];
}

/**
 * Measures what a run's cells and links cost, on as many workers as it will have, all at work at the same time. For several
 * sizes of micro-batch where their number is to be chosen, the smallest first.
 */
export async function profileRun({ run, baseDirectory, ...options }: ProfileOptions): Promise<readonly MeasuredRun[]> {
  const { model, workers, microBatchShape: shape } = await shapeOfRun(run, baseDirectory);
  const crew = await Crew.launch({ workers, engine: run.engine, signal: options.signal });
  const { fleet, devices, started } = crew;
  try {
    const { model: spec, loss, optimizer, training, pipeline } = run;
    const request = { ...{ spec, model, loss, optimizer, shape, started, devices }, force: options.force };
    const measured: MeasuredRun[] = [];
    for (const samples of sizesToMeasure(training.batch_size, pipeline.micro_batches)) {
      const profile = await profileFor(fleet, request, samples);
      const cells = cellFootprints(model, [samplesOf(profile), ...shape.slice(1)], optimizer);
      measured.push({ profile, file: profileFile(profile), cells });
    }
    if (options.output !== undefined) await writeProfile(options.output, measured[0]!.profile);
    return measured;
  } catch (error) {
    throw fleet.failure ?? error;
  } finally {
    await crew.close();
  }
}
