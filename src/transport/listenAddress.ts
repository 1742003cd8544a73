import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Socket } from 'zeromq';
import { LOOPBACK } from './context.ts';
import { AddressSyntaxError, EndpointError, InsecureAddressError, PortsTakenError } from './errors.ts';

export interface PortRange {
  readonly from: number;
  /** The last port that may be taken. */
  readonly to: number;
}

/** Where a socket listens. */
export interface ListenAddress {
  /** An address or name of this machine; `0.0.0.0`, `::` or `*` for all that it has. */
  readonly host: string;
  /** The ports that may be taken; any that is free where nothing is said. */
  readonly ports?: PortRange | undefined;
  /** The name or address under which others reach this machine, where it is another one than `host`: in a container, say. */
  readonly advertise?: string | undefined;
}

/**
 * The host and port of `tcp://HOST:PORT`; an IPv6 address stands in brackets. Throws an AddressSyntaxError.
 *
 * @param least the least port: 0 where any that is free may be meant
 */
export const parseEndpoint = (text: string, least = 1): { host: string; port: number } => {
  const [, bracketed, plain, digits] = /^tcp:\/\/(?:\[([^\]]*)\]|([^:[\]/]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw new AddressSyntaxError('address', text, 'tcp://HOST:PORT, an IPv6 address in brackets');
  if (bracketed === undefined ? !/^([\w.-]+|\*)$/.test(host) : isIP(host) !== 6)
    throw new AddressSyntaxError(
      'address',
      text,
      'a name, an IPv4 address, or an IPv6 address in brackets as its host',
    );
  return { host, port: portOf(digits!, 'address', text, least) };
};

/** The range of `FROM-TO`, or of one port. Throws an AddressSyntaxError. */
export const parsePorts = (text: string): PortRange => {
  const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (first === undefined) throw new AddressSyntaxError('range of ports', text, 'FROM-TO such as 5600-5699');
  const from = portOf(first, 'range of ports', text);
  const to = last === undefined ? from : portOf(last, 'range of ports', text);
  if (from > to) throw new AddressSyntaxError('range of ports', text, 'FROM-TO, the smaller number first');
  return { from, to };
};

const portOf = (digits: string, what: 'address' | 'range of ports', text: string, least = 1): number => {
  const port = Number(digits);
  if (port >= least && port <= 65_535) return port;
  throw new AddressSyntaxError(what, text, `ports from ${least} to 65535`);
};

/** `tcp://HOST:PORT`, as `connect` takes it. */
export const endpointOf = (host: string, port: number | '*'): string =>
  `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;

/**
 * Has a socket listen, and returns what others connect to. Throws an InsecureAddressError where strangers could reach a socket
 * that asks nobody for a key, a PortsTakenError, or an EndpointError.
 */
export async function listenOn(socket: Socket, address: ListenAddress, secured: boolean): Promise<string> {
  const host = await numericHost(address);
  if (!secured && !isLoopback(host)) throw new InsecureAddressError(address.host);
  const port = await takePort(socket, host, address.ports);
  return endpointOf(address.advertise ?? (isWildcard(host) ? ownAddress(host) : address.host), port);
}

/** The address to bind to: ZeroMQ takes no names there. */
async function numericHost({ host }: ListenAddress): Promise<string> {
  if (host === '*') return '0.0.0.0';
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host, { verbatim: false })).address;
  } catch (error) {
    throw new EndpointError('listen on', endpointOf(host, '*'), error);
  }
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine reaches an address. */
const isLoopback = (host: string): boolean => loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');

const isWildcard = (host: string): boolean => host === '0.0.0.0' || /^[0:]+$/.test(host);

/** The first address of this machine that others may reach, of the same family; loopback where it has no other. */
const ownAddress = (wildcard: string): string => {
  const family = isIP(wildcard) === 6 ? 'IPv6' : 'IPv4';
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    // A link-local address means nothing without the name of an interface.
    .find((each) => each.family === family && !each.internal && !each.address.startsWith('fe80'));
  return outside?.address ?? (family === 'IPv6' ? '::1' : LOOPBACK);
};

/** Binds to the first free port of the range, from a random start, so that processes that start together seldom meet. */
async function takePort(socket: Socket, host: string, ports: PortRange | undefined): Promise<number> {
  const count = ports ? ports.to - ports.from + 1 : 1;
  const start = Math.floor(Math.random() * count);
  for (let i = 0; i < count; i++) {
    const endpoint = endpointOf(host, ports ? ports.from + ((start + i) % count) : '*');
    try {
      await socket.bind(endpoint);
      return Number(/\d+$/.exec(socket.lastEndpoint ?? '')?.[0]);
    } catch (error) {
      if (!ports || !isTaken(error)) throw new EndpointError('listen on', endpoint, error);
    }
  }
  throw new PortsTakenError(host, ports!.from, ports!.to);
}

const isTaken = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
