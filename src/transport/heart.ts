import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface HeartOptions {
  readonly endpoint: string;
  /** The name of its socket at the coordinator. */
  readonly name: string;
  /** What it sends. */
  readonly beat: Uint8Array;
  readonly milliseconds: number;
}

/**
 * Starts a thread that says every so often that this process lives. A timer of the main thread could not: its event loop stands
 * still while a kernel computes, for minutes where an image is large and the engine slow. So a peer that is silent has been
 * stopped or cut off, and need not be waited for long. Resolves when the thread runs; it ends with the process.
 */
export async function startHeart(options: HeartOptions): Promise<void> {
  const thread = new Worker(new URL('./heartThread.js', import.meta.url), { workerData: options });
  // Without a heart this process would be taken for dead soon enough; better it says why.
  thread.once('error', (error) => {
    throw error;
  });
  await once(thread, 'online');
  thread.unref();
}
