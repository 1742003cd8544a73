import { basename, join } from 'node:path';

/** In a run's folder, its checkpoints. */
export const checkpointsFolder = 'checkpoints';

/** In a checkpoint's folder, written last: without it there is no checkpoint. */
export const manifestFile = 'manifest.json';

const DIGITS = 8;

/** Where a run keeps the checkpoint of a step: `runs/<name>/checkpoints/step-00000120`. */
export const folderOfStep = (runDirectory: string, step: number): string =>
  join(runDirectory, checkpointsFolder, `step-${String(step).padStart(DIGITS, '0')}`);

/** The step that a checkpoint's folder is called after, if it is. */
export function stepOfFolder(path: string): number | undefined {
  const digits = /^step-(\d{8,15})$/.exec(basename(path))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A worker's part of the state. */
export const partFile = (worker: number): string => `worker-${worker}.safetensors`;

/** Whether a file of a checkpoint is a worker's part: other files are the coordinator's own. */
export const isPart = (name: string): boolean => /^worker-\d+\.safetensors$/.test(name);
