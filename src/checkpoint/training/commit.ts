import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { atomicWrite, syncFolder } from '../atomicWrite.ts';
import { CheckpointError } from './checkpointError.ts';
import { checkSize } from './fileChecks.ts';
import { verifyCheckpoint } from './inventory.ts';
import { formatManifest, makeManifest, type Manifest, type ManifestFacts } from './manifest.ts';
import { folderOfStep, manifestFile, stepOfFolder } from './names.ts';
import { refused } from './systemFault.ts';

/**
 * Makes the folder that the checkpoint of a step is written into, empty. Where a run that was resumed comes by this step once
 * more, a whole checkpoint stays and need not be written again (`present`); what is left of one that is not whole is removed.
 */
export async function prepareCheckpoint(
  runDirectory: string,
  step: number,
): Promise<{ readonly path: string; readonly present: boolean }> {
  const path = folderOfStep(runDirectory, step);
  const parent = dirname(path);
  const present = await mkdir(parent, { recursive: true })
    .then(() => mkdir(path))
    .then(() => false)
    .catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') return refused(path, 'cannot be made')(error);
      if ((await verifyCheckpoint(path)).status === 'whole') return true;
      await discardCheckpoint(path);
      await mkdir(path).catch(refused(path, 'cannot be made'));
      return false;
    });
  // A new folder survives a power cut only when those above it are flushed, too.
  if (!present)
    for (const folder of [parent, runDirectory])
      await syncFolder(folder).catch(refused(folder, 'cannot be flushed to the disk'));
  return { path, present };
}

/**
 * Makes a checkpoint of a folder in which all files that the facts list have been written: its manifest comes last, whole or
 * not at all. Throws a CheckpointError where one of the files is not here as it was said to be.
 */
export async function commitCheckpoint(folder: string, facts: ManifestFacts): Promise<Manifest> {
  const manifest = makeManifest(folder, facts);
  const step = stepOfFolder(folder);
  if (step !== undefined && step !== manifest.step)
    throw new CheckpointError(folder, {
      problem: `is the folder of step ${step}, not of ${manifest.step}`,
      remedy: 'write each step into its own',
    });
  for (const file of manifest.files) await checkSize(folder, file);
  const path = join(folder, manifestFile);
  await atomicWrite(path, async (file) => {
    await file.writeFile(formatManifest(manifest));
  }).catch(refused(path, 'cannot be written'));
  return manifest;
}

/** Removes a checkpoint, or what there is of one; nothing where there is none. From the first moment on it is no checkpoint. */
export async function discardCheckpoint(folder: string): Promise<void> {
  await rm(join(folder, manifestFile), { force: true })
    .then(() => rm(folder, { recursive: true, force: true }))
    .catch(refused(folder, 'cannot be removed'));
}
