import { connect } from 'node:net';
import type { Socket as TcpSocket } from 'node:net';
import { Dealer, Push } from 'zeromq';
import type { RandomStream } from '../../../src/random/stream.ts';
import { newKeyPair } from '../../../src/transport/keyPair.ts';
import { parseEndpoint } from '../../../src/transport/listenAddress.ts';
import { randomBytes } from './badFrames.ts';

/** What those without an admitted key have done so far. */
export interface StrangerReport {
  readonly connections: number;
  /** The most bytes that one of them was told. */
  readonly toldAtMost: number;
}

const HAMMERS = 4;

/**
 * Peers that nobody admits, hammering at an endpoint until they are stopped: sockets with a key that is not admitted, with
 * a wrong key of the server's, and with none; and connections that say anything at all, also what a handshake begins with.
 */
export function strangers(
  endpoint: string,
  serverKey: string,
  random: RandomStream,
): { report(): StrangerReport; stop(): void } {
  const { host, port } = parseEndpoint(endpoint);
  const [mine, another] = [newKeyPair(), newKeyPair()];
  const curve = { curvePublicKey: mine.publicKey, curveSecretKey: mine.secretKey };
  const sockets = [
    { ...curve, curveServerKey: serverKey },
    { ...curve, curveServerKey: another.publicKey },
    { plainUsername: 'a', plainPassword: 'b' },
    {},
  ].flatMap((options) => [new Dealer({ linger: 0, ...options }), new Push({ linger: 0, ...options })]);
  for (const socket of sockets) {
    socket.connect(endpoint);
    socket.send('let me in').catch(() => {});
  }
  let [connections, toldAtMost, stopped] = [0, 0, false];
  const open = new Set<TcpSocket>();
  const hammer = (): void => {
    if (stopped) return;
    connections++;
    let told = 0;
    const socket = connect(port, host);
    open.add(socket);
    const timer = setTimeout(() => socket.destroy(), 20 + random.integer(50));
    socket.on('connect', () => socket.write(opening(random)));
    socket.on('data', (data) => (told += data.length));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      open.delete(socket);
      toldAtMost = Math.max(toldAtMost, told);
      setTimeout(hammer, 1);
    });
  };
  for (let i = 0; i < HAMMERS; i++) hammer();
  const stop = (): void => {
    stopped = true;
    for (const socket of open) socket.destroy();
    for (const socket of sockets) socket.close();
  };
  return { report: () => ({ connections, toldAtMost }), stop };
}

/** Anything, or a greeting of ZeroMQ's (ZMTP 3.1: signature, version, mechanism) with anything behind it. */
function opening(random: RandomStream): Buffer {
  const noise = randomBytes(random, random.integer(3000));
  const mechanism = ['', 'NULL', 'PLAIN', 'CURVE', 'GSSAPI'][random.integer(5)]!;
  if (mechanism === '') return Buffer.from(noise);
  const greeting = Buffer.alloc(64);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]);
  greeting.write(mechanism, 12, 'ascii');
  // A command that says how long it is, truly or not.
  return Buffer.concat([greeting, Buffer.of(0x04, random.integer(256)), noise]);
}
