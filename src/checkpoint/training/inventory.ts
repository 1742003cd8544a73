import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CheckpointError } from './checkpointError.ts';
import { checkContent, checkSize } from './fileChecks.ts';
import { readManifest, type Manifest } from './manifest.ts';
import { checkpointsFolder, manifestFile, stepOfFolder } from './names.ts';
import { StateFiles } from './stateFiles.ts';
import { refused } from './systemFault.ts';

export interface WholeCheckpoint {
  readonly status: 'whole';
  readonly step: number;
  readonly path: string;
  readonly manifest: Manifest;
}

/** A folder that cannot be gone on from: without a manifest it was never finished (or is being written just now). */
export interface FlawedCheckpoint {
  readonly status: 'damaged' | 'unfinished';
  /** What the folder is called after; undefined where it is called otherwise. */
  readonly step: number | undefined;
  readonly path: string;
  /** The file that is not as it should be, and in what way. */
  readonly file: string;
  readonly problem: string;
}

export type FoundCheckpoint = WholeCheckpoint | FlawedCheckpoint;

/** The checkpoints of a run, the newest first, by a look at their manifests and the sizes of their files. */
export async function listCheckpoints(runDirectory: string): Promise<readonly FoundCheckpoint[]> {
  const folder = join(runDirectory, checkpointsFolder);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? [] : refused(folder, 'cannot be read')(error),
  );
  const paths = names.filter((name) => stepOfFolder(name) !== undefined).map((name) => join(folder, name));
  const found = await Promise.all(paths.map(async (path) => ((await isGone(path)) ? [] : [await lookAt(path)])));
  return found.flat().toSorted((a, b) => stepOfFolder(b.path)! - stepOfFolder(a.path)!);
}

/** Reads a whole checkpoint: manifest, every byte of every file, and what the parts say that they hold. */
export async function verifyCheckpoint(
  path: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<FoundCheckpoint> {
  return flawsOf(path, async () => {
    const manifest = await soundManifest(path);
    for (const file of manifest.files) await checkContent(path, file, signal);
    await (await StateFiles.open(path)).close();
    return manifest;
  });
}

/**
 * The newest checkpoint that was read and found whole, if there is one, and the newer ones that had to be passed over (those
 * that were never finished among them).
 */
export async function latestCheckpoint(
  runDirectory: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<{ readonly checkpoint: WholeCheckpoint | undefined; readonly passed: readonly FlawedCheckpoint[] }> {
  const passed: FlawedCheckpoint[] = [];
  for (const found of await listCheckpoints(runDirectory)) {
    const verified = found.status === 'whole' ? await verifyCheckpoint(found.path, options) : found;
    if (verified.status === 'whole') return { checkpoint: verified, passed };
    passed.push(verified);
  }
  return { checkpoint: undefined, passed };
}

/** By a look at its manifest and the sizes of its files. */
export const lookAt = (path: string): Promise<FoundCheckpoint> => flawsOf(path, () => soundManifest(path));

async function soundManifest(path: string): Promise<Manifest> {
  const manifest = await readManifest(path);
  const step = stepOfFolder(path);
  if (step !== undefined && step !== manifest.step)
    throw new CheckpointError(join(path, manifestFile), {
      problem: `is of step ${manifest.step}`,
      remedy: 'give the folder its own name again',
    });
  for (const file of manifest.files) await checkSize(path, file);
  return manifest;
}

/** What is wrong with a checkpoint is an answer, and no failure. */
async function flawsOf(path: string, check: () => Promise<Manifest>): Promise<FoundCheckpoint> {
  try {
    const manifest = await check();
    return { status: 'whole', step: manifest.step, path, manifest };
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    // Removing a checkpoint begins with its manifest, so one that goes while it is looked at is not called damaged.
    const unfinished = await isGone(join(path, manifestFile));
    const file = unfinished ? manifestFile : basename(error.path);
    const problem = unfinished ? 'is missing' : error.problem;
    return { status: unfinished ? 'unfinished' : 'damaged', step: stepOfFolder(path), path, file, problem };
  }
}

const isGone = (path: string): Promise<boolean> =>
  stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
