import { workerData } from 'node:worker_threads';
import { Dealer } from 'zeromq';
import { context } from './context.ts';
import type { HeartOptions } from './heart.ts';

// The whole life of a heart.
const { endpoint, name, beat, milliseconds } = workerData as HeartOptions;
// One beat waits for the coordinator at most: nobody wants to hear of the past.
const socket = new Dealer({ context, routingId: name, sendHighWaterMark: 1, sendTimeout: 0, linger: 0 });
socket.connect(endpoint);
setInterval(() => {
  socket.send(beat).catch(() => {});
}, milliseconds);
