import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

const PARTIAL = '.partial-';

/**
 * Gives `body` an empty folder beside the engines, and takes it away again whatever happens; what an earlier set-up
 * left when it was killed goes first. Only for who holds the set-up's lock.
 */
export async function withWorkspace<T>(engines: string, body: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(engines, { recursive: true });
  for (const name of await readdir(engines)) if (name.startsWith(PARTIAL)) await remove(join(engines, name));
  const folder = await mkdtemp(join(engines, PARTIAL));
  try {
    return await body(folder);
  } finally {
    await remove(folder);
  }
}

/** Puts a finished folder in its place in one step, so that nobody ever sees half of it; an older one goes. */
export async function putInPlace(finished: string, place: string, workspace: string): Promise<void> {
  const older = join(workspace, 'replaced');
  await rename(place, older).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(finished, place);
}

const remove = (path: string): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3 });
