import { Dealer } from 'zeromq';
import { pack } from './msgpack.ts';
import { lookoutOf } from './names.ts';
import { connectWith } from './openSocket.ts';
import type { ConnectOptions } from './openSocket.ts';
import { Reader } from './reader.ts';

export interface LookoutOptions extends Pick<ConnectOptions, 'endpoint' | 'security'> {
  /** The worker's id. */
  readonly worker: string;
  /** After so long without an answer the coordinator is gone. */
  readonly deadMilliseconds: number;
}

const ASK_MILLISECONDS = 1000;

/**
 * Asks the coordinator every second whether it is still there; resolves when it has not answered for too long. For whoever
 * started a worker on another host: the worker itself may be in a kernel for minutes.
 */
export async function lookOut({ worker, deadMilliseconds, ...to }: LookoutOptions, signal: AbortSignal): Promise<void> {
  const make = (common: object): Dealer =>
    new Dealer({ ...common, routingId: lookoutOf(worker), sendHighWaterMark: 1, sendTimeout: 0, linger: 0 });
  const socket = connectWith(make, to);
  const over = new AbortController();
  let [silent, last] = [0, performance.now()];
  const timer = setInterval(() => {
    const now = performance.now();
    // What this process slept through does not count.
    silent += Math.min(now - last, 2 * ASK_MILLISECONDS);
    last = now;
    if (silent > deadMilliseconds) over.abort();
    socket.send(pack({ kind: 'heartbeat' })).catch(() => {});
  }, ASK_MILLISECONDS);
  try {
    const reader = new Reader(socket);
    const either = AbortSignal.any([signal, over.signal]);
    while (await reader.next(either)) silent = 0;
  } finally {
    clearInterval(timer);
    socket.close();
  }
}
