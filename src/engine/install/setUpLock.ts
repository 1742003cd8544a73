import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { InstallError } from './installError.ts';

const LONGEST_MS = 60 * 60_000;
const RETRY_MS = 250;
/** A holder that was killed is noticed after so long; a live one says every few seconds that it lives. */
const STALE_MS = 10_000;

/** Lets one set-up at a time work on the engines; a second one waits, and says so once. */
export async function withSetUpLock<T>(
  engines: string,
  { signal, waiting }: { signal: AbortSignal; waiting: () => void },
  body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  await mkdir(engines, { recursive: true });
  const lost = new AbortController();
  const release = await acquire(engines, signal, waiting, (cause) =>
    lost.abort(new InstallError('unexpected', `another set-up took over (${cause.message})`, { cause })),
  );
  try {
    return await body(AbortSignal.any([signal, lost.signal]));
  } finally {
    // A lock that was lost is no longer ours to give back.
    await release().catch(() => {});
  }
}

async function acquire(
  engines: string,
  signal: AbortSignal,
  waiting: () => void,
  onCompromised: (cause: Error) => void,
): Promise<() => Promise<void>> {
  const end = Date.now() + LONGEST_MS;
  const lockfilePath = join(engines, '.set-up.lock');
  for (let told = false; ; told = true) {
    signal.throwIfAborted();
    try {
      return await lock(engines, { lockfilePath, stale: STALE_MS, update: STALE_MS / 5, onCompromised });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ELOCKED') throw cause;
      if (Date.now() > end) {
        throw new InstallError('time', `another set-up has held ${lockfilePath} for an hour`, { cause });
      }
    }
    if (!told) waiting();
    await sleep(RETRY_MS, undefined, { signal });
  }
}
