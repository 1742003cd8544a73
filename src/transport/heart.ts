import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ClientSecurity } from './keyPair.ts';

export interface HeartOptions {
  readonly endpoint: string;
  /** The name of its socket at the coordinator. */
  readonly name: string;
  /** Between two beats. */
  readonly milliseconds: number;
  /**
   * Memory that the main thread writes and the heart reads: two Int32, what it is doing (an index into `pulseStates`) and a
   * counter that grows with all that goes forward.
   */
  readonly pulse: SharedArrayBuffer;
  readonly security?: ClientSecurity | undefined;
}

/** What the main thread of a process may be doing, in the order of their numbers in a pulse. */
export const pulseStates = ['idle', 'computing', 'waiting'] as const;

/**
 * Starts a thread that says every so often that this process lives. A timer of the main thread could not: its event loop stands
 * still while a kernel computes, for minutes where an image is large and the engine slow. So a peer that is silent has been
 * stopped or cut off, and need not be waited for long. Resolves when the thread runs; it ends with the process.
 */
export async function startHeart(options: HeartOptions): Promise<void> {
  // Keys go by memory: the arguments and the environment of a process are there for others to read.
  const thread = new Worker(new URL('./heartThread.js', import.meta.url), { workerData: options });
  // Without a heart this process would be taken for dead soon enough; better it says why.
  thread.once('error', (error) => {
    throw error;
  });
  await once(thread, 'online');
  thread.unref();
}
