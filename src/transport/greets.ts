import { connect } from 'node:net';
import { parseEndpoint } from './listenAddress.ts';

const PATIENCE_MILLISECONDS = 2000;
/** With which every greeting of ZMTP begins, unasked (rfc.zeromq.org/spec/23). */
const SIGNATURE = 0xff;

/** Whether a ZeroMQ socket is at an endpoint, whatever keys it has; what merely takes connections says nothing. Never throws. */
export function greets(endpoint: string): Promise<boolean> {
  const { host, port } = parseEndpoint(endpoint);
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (found: boolean): void => {
      resolve(found);
      socket.destroy();
    };
    socket.setTimeout(PATIENCE_MILLISECONDS, () => end(false));
    socket.once('data', (bytes) => end(bytes[0] === SIGNATURE));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
