import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { EndpointError } from './errors.ts';
import { parseEndpoint } from './listenAddress.ts';

/**
 * The address of this machine from which its packets to an endpoint leave: under that one whoever is there reaches it, too, where
 * nothing in between changes addresses. Connecting a UDP socket asks the system for the route and sends nothing.
 */
export async function facingAddress(endpoint: string): Promise<string> {
  const { host, port } = parseEndpoint(endpoint);
  try {
    const { address, family } = await lookup(host, { verbatim: false });
    return await localEnd(address, port, family === 6 ? 'udp6' : 'udp4');
  } catch (error) {
    throw new EndpointError('connect to', endpoint, error);
  }
}

const localEnd = (address: string, port: number, type: 'udp4' | 'udp6'): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = createSocket(type);
    socket.once('error', (error) => socket.close(() => reject(error)));
    socket.connect(port, address, () => {
      const local = socket.address().address;
      socket.close(() => resolve(local));
    });
  });
