import { context } from 'zeromq';

/*
 * The one ZeroMQ context of this process. Not blocky: what was not sent when a socket closes is dropped, unless that socket
 * asks for time (linger), so that a process whose work has failed can leave at once.
 */
context.blocky = false;

export { context };

/** The listening host where nothing else is said: this machine only. */
export const LOOPBACK = '127.0.0.1';

/** An address with a port that the system chooses. */
export const anyPort = (host: string): string => `tcp://${host.includes(':') ? `[${host}]` : host}:*`;
