import { randomUUID } from 'node:crypto';
import { platform } from 'node:os';
import { context } from 'zeromq';

/*
 * The one ZeroMQ context of this process. Not blocky: what was not sent when a socket closes is dropped, unless that socket
 * asks for time (linger), so that a process whose work has failed can leave at once.
 */
context.blocky = false;

export { context };

/** The listening host where nothing else is said: this machine only. */
export const LOOPBACK = '127.0.0.1';

/**
 * An address of this machine, with a name or port that nobody else has. On Linux a socket in the abstract namespace: it leaves
 * no file, and tensors take four fifths of the processor time that they take over TCP (`benchmarks/link.ts`).
 */
export const localAddress = (): string => (platform() === 'linux' ? `ipc://@lamp-${randomUUID()}` : anyPort(LOOPBACK));

/** An address with a port that the system chooses. */
export const anyPort = (host: string): string => `tcp://${host.includes(':') ? `[${host}]` : host}:*`;
