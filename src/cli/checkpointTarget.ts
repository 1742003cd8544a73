import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CheckpointError } from '../checkpoint/training/checkpointError.ts';
import type { FlawedCheckpoint, FoundCheckpoint, WholeCheckpoint } from '../checkpoint/training/inventory.ts';
import { checkpointsFolder, manifestFile, stepOfFolder } from '../checkpoint/training/names.ts';
import { runFiles } from '../telemetry/runDirectory.ts';
import { describePassed } from './checkpointReport.ts';
import type { CliContext } from './context.ts';
import { InputError } from './exit.ts';

/** What a path on the command line is: a run's folder, or that of one of its checkpoints. */
export interface CheckpointTarget {
  readonly kind: 'run' | 'checkpoint';
  readonly path: string;
}

const remedy = `give a run's folder, such as runs/brain9, or one in its ${checkpointsFolder}/`;

export function checkpointTarget(path: string): CheckpointTarget {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new InputError(`${path}: there is no such folder; ${remedy}`);
  if (!stat.isDirectory()) throw new InputError(`${path}: is no folder; ${remedy}`);
  if (stepOfFolder(path) !== undefined || existsSync(join(path, manifestFile))) return { kind: 'checkpoint', path };
  if ([checkpointsFolder, runFiles.run].some((name) => existsSync(join(path, name)))) return { kind: 'run', path };
  if (basename(path) === checkpointsFolder) return { kind: 'run', path: dirname(path) };
  throw new InputError(`${path}: is neither a run's folder nor a checkpoint's; ${remedy}`);
}

/** The checkpoint that is asked for; of a run, what was passed over is told. Throws where there is none. */
export function chosenCheckpoint(
  { kind, path }: CheckpointTarget,
  checkpoint: FoundCheckpoint | undefined,
  passed: readonly FoundCheckpoint[],
  { err }: CliContext,
): WholeCheckpoint {
  const flawed = passed.filter((each): each is FlawedCheckpoint => each.status !== 'whole');
  if (checkpoint?.status === 'whole') {
    for (const each of flawed) err.write(describePassed(each));
    return checkpoint;
  }
  const [first] = flawed;
  if (!first) throw new InputError(`${path}: has no checkpoints; give another run`);
  const remedy = kind === 'run' ? 'no checkpoint of the run is whole' : 'take another checkpoint of the run';
  throw new CheckpointError(join(first.path, first.file), { problem: first.problem, remedy });
}
