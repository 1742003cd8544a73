import { setTimeout as sleep } from 'node:timers/promises';
import { Reply } from 'zeromq';
import { context } from './context.ts';
import { RefusalCount } from './counters.ts';
import type { Refusal, TransportCounters } from './counters.ts';
import type { ServerSecurity } from './keyPair.ts';
import { toZ85 } from './z85.ts';

/*
 * ZAP (rfc.zeromq.org/spec/27): ZeroMQ asks a REP socket of this process about everybody who wants to connect to a socket with
 * CURVE. It proves by itself that a client holds the secret key to the public one that it shows; but whose key that is, only
 * we know: without an answer here, any key at all would do.
 *
 *     request: version "1.0" · id · domain · address · identity · mechanism · credentials (CURVE: 32 bytes)
 *     reply:   version "1.0" · id · status ("200" admitted, "400" refused, "500" a fault of ours) · text · user · metadata
 */

const ENDPOINT = 'inproc://zeromq.zap.01';
/** Milliseconds that a stranger may take over a handshake. */
const HANDSHAKE_MILLISECONDS = 10_000;

/** Within which the name of a handler that was closed must be free. */
const NAME_MILLISECONDS = 5_000;

/** What ZeroMQ is told about a socket that listens with CURVE. */
interface ServerOptions {
  readonly curveServer: true;
  readonly curvePublicKey: string;
  readonly curveSecretKey: string;
  readonly zapDomain: string;
  readonly zapEnforceDomain: true;
  readonly handshakeInterval: number;
}

/** The guard of one socket, until it is closed. */
export interface Guard {
  readonly options: ServerOptions;
  close(): void;
}

interface Guarded {
  readonly admits: ServerSecurity['admits'];
  readonly refused: RefusalCount;
}

const guarded = new Map<string, Guarded>();
const refusedByAll = new RefusalCount(false);
let handler: Promise<Reply> | undefined;
let stopped: Promise<void> = Promise.resolve();
let domains = 0;

/** What this process has refused at handshakes, on all its sockets. */
export const zapCounters = (): TransportCounters => refusedByAll.now;

/**
 * Has ZeroMQ ask `admits` about whoever connects to the socket that is made with these options. The handler of this process
 * starts with the first guard, and ends with the last.
 */
export async function guard({ keys, admits }: ServerSecurity, refused: RefusalCount): Promise<Guard> {
  const domain = `lamp-${domains++}`;
  guarded.set(domain, { admits, refused });
  const close = (): void => {
    if (guarded.delete(domain) && guarded.size === 0) stop();
  };
  try {
    await (handler ??= start());
  } catch (error) {
    close();
    throw error;
  }
  const { publicKey: curvePublicKey, secretKey: curveSecretKey } = keys;
  const options = { curveServer: true, curvePublicKey, curveSecretKey, zapDomain: domain } as const;
  // Enforced: should nobody answer, nobody is admitted.
  return { options: { ...options, zapEnforceDomain: true, handshakeInterval: HANDSHAKE_MILLISECONDS }, close };
}

async function start(): Promise<Reply> {
  await stopped;
  const socket = new Reply({ context, linger: 0 });
  const end = performance.now() + NAME_MILLISECONDS;
  for (;;) {
    try {
      await socket.bind(ENDPOINT);
      void serve(socket);
      return socket;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || performance.now() > end) {
        socket.close();
        throw error;
      }
      await sleep(1);
    }
  }
}

/**
 * Closed, and not unbound before, though its name is free only a moment later: zeromq.js unbinds on another thread, while this one
 * still looks whether there is something to receive, and from a socket that two threads use ZeroMQ aborts the process.
 */
function stop(): void {
  const ending = handler;
  handler = undefined;
  stopped = (async () => (await ending?.catch(() => undefined))?.close())();
}

async function serve(socket: Reply): Promise<void> {
  while (!socket.closed) {
    try {
      await socket.send(answer(await socket.receive()));
    } catch (error) {
      if (!socket.closed) throw error;
    }
  }
}

/** The reply to a request: always one, as ZeroMQ waits for it. */
export function answer(frames: readonly Uint8Array[]): (Uint8Array | string)[] {
  const [version, id] = frames;
  const [status, text] = judge(frames);
  return [version ?? '1.0', id ?? '', status, text, '', ''];
}

type Verdict = readonly [status: '200' | '400' | '500', text: string];

function judge(frames: readonly Uint8Array[]): Verdict {
  const [version, , domain, , , mechanism, key] = frames.map((frame) => Buffer.from(frame));
  const socket = guarded.get(String(domain));
  const refuse = (reason: Refusal, verdict: Verdict): Verdict => {
    refusedByAll.add(reason);
    socket?.refused.add(reason);
    return verdict;
  };
  if (frames.length < 6 || String(version) !== '1.0') return refuse('request', ['500', 'not a ZAP request']);
  if (!socket) return refuse('request', ['400', 'no such domain']);
  if (String(mechanism) !== 'CURVE') return refuse('mechanism', ['400', 'CURVE only']);
  if (frames.length !== 7 || key?.length !== 32) return refuse('request', ['400', 'no key']);
  try {
    return socket.admits(toZ85(key)) ? ['200', 'OK'] : refuse('key', ['400', 'this key is not admitted']);
  } catch {
    return refuse('request', ['500', 'the key could not be looked up']);
  }
}
