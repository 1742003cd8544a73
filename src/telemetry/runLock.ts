import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from 'proper-lockfile';

/** A holder that was killed is noticed after so long; a live one says every second that it lives. */
const STALE_MILLISECONDS = 5_000;
const RETRY_MILLISECONDS = 250;

/** Another process trains in the run's folder. */
export class RunLockedError extends Error {
  override readonly name = 'RunLockedError';

  constructor(directory: string) {
    super(`${directory} is being trained by another process: end that one first, or give another run's folder`);
  }
}

/** Claims a run's folder, so that no two processes train in it; returns what gives it back. Throws a RunLockedError. */
export async function lockRun(directory: string): Promise<() => Promise<void>> {
  // One that was killed a moment ago still seems to hold it.
  const end = Date.now() + STALE_MILLISECONDS + 4 * RETRY_MILLISECONDS;
  for (;;) {
    try {
      const release = await lock(directory, {
        lockfilePath: join(directory, '.lock'),
        stale: STALE_MILLISECONDS,
        update: STALE_MILLISECONDS / 5,
        // This process was busy or asleep for long. It has the folder's files open, and goes on.
        onCompromised: () => {},
      });
      return async () => release().catch(() => {});
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ELOCKED') throw cause;
      if (Date.now() > end) throw new RunLockedError(directory);
    }
    await sleep(RETRY_MILLISECONDS);
  }
}
