import type { TextOutput } from '../telemetry/reporter.ts';
import { exitCodes, InterruptedError } from './exit.ts';

/** One Ctrl-C can come twice: from the terminal, and once more from npm, which passes it on. */
const ECHO_MILLISECONDS = 1000;

/**
 * Runs something that Ctrl-C can stop. The first signal aborts it, so that it ends its workers and saves what it has; the
 * second ends this process at once. Throws an InterruptedError where the work ended because of the signal.
 */
export async function interruptible<T>(err: TextOutput, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let first = 0;
  const stop = (name: 'SIGINT' | 'SIGTERM'): void => {
    if (controller.signal.aborted && Date.now() - first < ECHO_MILLISECONDS) return;
    if (controller.signal.aborted) process.exit(exitCodes[name === 'SIGINT' ? 'interrupted' : 'terminated']);
    err.write(`\nstopping … (${name === 'SIGINT' ? 'Ctrl-C' : name} again ends at once)\n`);
    first = Date.now();
    controller.abort(new InterruptedError(name));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
