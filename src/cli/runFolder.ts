import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkpointsFolder } from '../checkpoint/training/names.ts';
import type { LoadedRunFile } from '../config/loadRunFile.ts';
import { frozenDifferences } from '../config/resumable.ts';
import { createRunDirectory, runFiles } from '../telemetry/runDirectory.ts';
import { InputError } from './exit.ts';
import { loadRun } from './loadRun.ts';

/** A run as it is to be trained, and in which folder. */
export interface RunFolder extends LoadedRunFile {
  readonly directory: string;
  /** Whether it goes on from what is there. */
  readonly resume: boolean;
}

export interface RunFolderRequest {
  /** The run file, where one was given. */
  readonly file: string | undefined;
  /** `--resume`: of a run's folder, or of the one that follows from what else was said. */
  readonly resume: string | true | undefined;
  readonly overrides: readonly string[];
  /** Where runs' folders are made. */
  readonly output: string;
}

/** Makes or finds the folder of a run. Throws an InputError where there is nothing to go on from, or it is of another run. */
export function openRunFolder({ file: given, resume: asked, overrides, output }: RunFolderRequest): RunFolder {
  // `--resume run.yaml`: the one word is the run file.
  const [file, resume] = given === undefined && isFile(asked) ? [asked, true as const] : [given, asked];
  if (resume === undefined) {
    if (file === undefined)
      throw new InputError('no run file was given: lamp train RUN.yaml, or lamp train --resume RUN');
    const loaded = loadRun(file, overrides);
    return { ...loaded, directory: createRunDirectory(output, loaded.run.name), resume: false };
  }
  if (file === undefined) {
    const directory = resume === true ? lastRun(output) : resume;
    return { ...loadRun(storedRun(directory), overrides), directory, resume: true };
  }
  const loaded = loadRun(file, overrides);
  const directory = resume === true ? join(output, loaded.run.name) : resume;
  if (!existsSync(join(directory, runFiles.run))) {
    if (resume !== true) storedRun(directory);
    return { ...loaded, directory: createRunDirectory(output, loaded.run.name), resume: false };
  }
  checkSame(loaded, directory, file);
  return { ...loaded, directory, resume: true };
}

const isFile = (path: string | true | undefined): path is string =>
  typeof path === 'string' && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);

/** The run file in a run's folder. */
function storedRun(directory: string): string {
  const path = join(directory, runFiles.run);
  if (existsSync(path)) return path;
  const copy = copiesOf(path).findLast((each) => existsSync(each));
  const remedy = copy === undefined ? '' : `; a checkpoint has it: cp ${copy} ${path}`;
  throw new InputError(`${directory} is no run's folder: there is no ${runFiles.run} in it${remedy}`);
}

/** The run file as the checkpoints of its run have it, the last one at the end. */
function copiesOf(path: string): readonly string[] {
  const checkpoints = join(dirname(path), checkpointsFolder);
  const steps = existsSync(checkpoints) ? readdirSync(checkpoints).toSorted() : [];
  return steps.map((step) => join(checkpoints, step, runFiles.run));
}

/** The run that was trained last. */
function lastRun(output: string): string {
  const runs = existsSync(output) ? readdirSync(output).map((name) => join(output, name)) : [];
  const [last] = runs
    .filter((path) => existsSync(join(path, runFiles.run)) && existsSync(join(path, checkpointsFolder)))
    .toSorted((a, b) => statSync(join(b, checkpointsFolder)).mtimeMs - statSync(join(a, checkpointsFolder)).mtimeMs);
  if (last === undefined) throw new InputError(`no run in ${output}/ has checkpoints: name one with --resume RUN`);
  return last;
}

/** A run goes on with what it was begun with, but for how and how long it is computed. */
function checkSame(loaded: LoadedRunFile, directory: string, file: string): void {
  const stored = loadRun(storedRun(directory), [], { checkFiles: false });
  const differences = frozenDifferences(stored, loaded);
  if (differences.length > 0)
    throw new InputError(
      `${file} is not what ${directory} was begun with: ${differences.join(', ')} differ. ` +
        'Give the run another --name, or take these back (pipeline, engine, checkpoints, recovery and training.epochs may change)',
    );
}
