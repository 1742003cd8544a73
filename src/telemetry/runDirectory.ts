import { mkdirSync, readdirSync, rmdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { withAbsolutePaths } from '../config/dataPaths.ts';
import { formatRunFile } from '../config/formatRunFile.ts';
import type { RunFile } from '../config/runFile.ts';

/** What lies in a run's folder. */
export const runFiles = {
  run: 'run.yaml',
  metrics: 'metrics.jsonl',
  weights: 'weights.safetensors',
  lastWeights: 'last.safetensors',
  image: 'image.nii.gz',
  truth: 'truth.nii.gz',
  segmentation: 'segmentation.nii.gz',
  picture: 'segmentation.png',
} as const;

/** In it, the best weights for every structure. */
export const bestFolder = 'best';
/** In it, the best weights of every phase. */
export const phasesFolder = 'phases';

/** In it, one log a process. */
export const logsFolder = 'logs';
/** In it, a report of each failure. */
export const failuresFolder = 'failures';

/** A run's folder cannot be made. */
export class RunDirectoryError extends Error {
  override readonly name = 'RunDirectoryError';
  readonly path: string;

  constructor(path: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`cannot make the run's folder ${path}: ${why}; give another with --output`, { cause });
    this.path = path;
  }
}

/** Makes `<root>/<name>`, or where that is taken `<name>-2`, `<name>-3` …: no run overwrites another. Returns its path. */
export function createRunDirectory(root: string, name: string): string {
  try {
    mkdirSync(root, { recursive: true });
    for (let n = 1; ; n++) {
      const path = join(root, n === 1 ? name : `${name}-${n}`);
      // Making it is what claims it: two runs that start together get two folders.
      if (makeDirectory(path)) return path;
    }
  } catch (error) {
    throw new RunDirectoryError(join(root, name), error);
  }
}

function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Writes the run file as resolved, with absolute paths: the folder can be trained again, or predicted with, from anywhere. */
export function writeResolvedRun(directory: string, run: RunFile, baseDirectory: string): string {
  const path = join(directory, runFiles.run);
  writeFileSync(path, formatRunFile(withAbsolutePaths(run, baseDirectory)));
  return path;
}

/** Takes the folder away again if nothing but the run file and logs is in it: the run failed before it began. */
export function discardIfBarren(directory: string): boolean {
  const barren: readonly string[] = [runFiles.run, logsFolder];
  if (readdirSync(directory).some((file) => !barren.includes(file))) return false;
  rmSync(join(directory, logsFolder), { recursive: true, force: true });
  unlinkSync(join(directory, runFiles.run));
  rmdirSync(directory);
  return true;
}

/** The files of a run's folder and of what lies in it, with their sizes in bytes, by name. */
export function listFiles(directory: string): readonly { readonly name: string; readonly bytes: number }[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .map((name) => ({ name, bytes: statSync(join(directory, name)).size }))
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}
