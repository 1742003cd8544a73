import { workerData } from 'node:worker_threads';
import { Dealer } from 'zeromq';
import { pulseStates, SILENT_COORDINATOR } from './heart.ts';
import type { HeartOptions } from './heart.ts';
import { pack } from './msgpack.ts';
import { connectWith } from './openSocket.ts';

// The whole life of a heart.
const options = workerData as HeartOptions;
const { name, milliseconds, deadMilliseconds = Infinity } = options;
const pulse = new Int32Array(options.pulse);

// One beat waits for the coordinator at most: nobody wants to hear of the past.
const make = (common: object): Dealer =>
  new Dealer({ ...common, routingId: name, sendHighWaterMark: 1, sendTimeout: 0, linger: 0 });
const socket = connectWith(make, options);

/** Milliseconds since the coordinator was last heard of; what this process slept through does not count. */
let silent = 0;
let last = performance.now();

setInterval(() => {
  const now = performance.now();
  silent += Math.min(now - last, 2 * milliseconds);
  last = now;
  // The main thread may be in a kernel for minutes: asking it to end would not do.
  if (silent > deadMilliseconds) process.kill(process.pid, SILENT_COORDINATOR);
  socket.send(beat()).catch(() => {});
}, milliseconds);

for await (const _ of socket) silent = 0;

function beat(): Uint8Array {
  // The counter may have gone round: as a number without a sign it goes on.
  const progress = Atomics.load(pulse, 1) >>> 0;
  return pack({ kind: 'heartbeat', doing: pulseStates[Atomics.load(pulse, 0)] ?? 'idle', progress });
}
