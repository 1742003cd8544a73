import { workerData } from 'node:worker_threads';
import { Dealer } from 'zeromq';
import { pulseStates } from './heart.ts';
import type { HeartOptions } from './heart.ts';
import { pack } from './msgpack.ts';
import { connectWith } from './openSocket.ts';

// The whole life of a heart.
const options = workerData as HeartOptions;
const { name, milliseconds } = options;
const pulse = new Int32Array(options.pulse);

// One beat waits for the coordinator at most: nobody wants to hear of the past.
const make = (common: object): Dealer =>
  new Dealer({ ...common, routingId: name, sendHighWaterMark: 1, sendTimeout: 0, linger: 0 });
const socket = connectWith(make, options);

/*
 * It only sends. To receive here as well, while the main thread receives on sockets of its own, ends the process now and then: the
 * ZeroMQ addon hands what comes to the threads of JavaScript by way of state that they share.
 */
setInterval(() => {
  socket.send(beat()).catch(() => {});
}, milliseconds);

function beat(): Uint8Array {
  // The counter may have gone round: as a number without a sign it goes on.
  const progress = Atomics.load(pulse, 1) >>> 0;
  return pack({ kind: 'heartbeat', doing: pulseStates[Atomics.load(pulse, 0)] ?? 'idle', progress });
}
