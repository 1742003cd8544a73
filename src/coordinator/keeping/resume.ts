import { latestCheckpoint, type WholeCheckpoint } from '../../checkpoint/training/inventory.ts';
import { readState } from './checkpoints.ts';
import type { TrainingState } from './trainingState.ts';

/** What a run goes on from. */
export interface ResumePoint {
  readonly checkpoint: WholeCheckpoint;
  readonly state: TrainingState;
}

/**
 * The last checkpoint of a run that is whole. Newer ones that are damaged are told of, and the one before is taken; undefined where
 * there is none at all.
 */
export async function resumePoint(
  runDirectory: string,
  note: (text: string) => void,
): Promise<ResumePoint | undefined> {
  const { checkpoint, passed } = await latestCheckpoint(runDirectory);
  for (const { path, file, problem, status } of passed)
    if (status === 'damaged') note(`${path} is damaged and is passed over: ${file} ${problem}`);
  return checkpoint && { checkpoint, state: await readState(checkpoint) };
}
