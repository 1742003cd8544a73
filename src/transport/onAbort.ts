import { setMaxListeners } from 'node:events';

/**
 * Calls `listener` once when `signal` aborts, until the returned function is called. One signal ends every wait of a process,
 * so there may be many listeners at once; Node would take more than ten for a leak and say so on standard error.
 */
export const onAbort = (signal: AbortSignal, listener: () => void): (() => void) => {
  setMaxListeners(0, signal);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
};
