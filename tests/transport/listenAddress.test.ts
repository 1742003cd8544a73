import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ControlClient, ControlServer } from '../../src/transport/control.ts';
import { DataInlet } from '../../src/transport/dataLink.ts';
import {
  AddressSyntaxError,
  EndpointError,
  InsecureAddressError,
  PortsTakenError,
} from '../../src/transport/errors.ts';
import { newKeyPair } from '../../src/transport/keyPair.ts';
import { endpointOf, parseEndpoint, parsePorts } from '../../src/transport/listenAddress.ts';
import type { ListenAddress } from '../../src/transport/listenAddress.ts';

const schema = z.strictObject({ kind: z.literal('note') });
const schemas = { incoming: schema, outgoing: schema };
const keys = newKeyPair();
const security = { keys, admits: (key: string) => key === keys.publicKey };
const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

const listen = async (address: ListenAddress, secured = false) => {
  const server = await ControlServer.bind({ ...schemas, address, ...(secured ? { security } : {}) });
  open.push(server);
  return server;
};
const portOf = ({ endpoint }: { endpoint: string }): number => parseEndpoint(endpoint).port;

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

describe('an address that somebody typed', () => {
  it('is a host and a port', () => {
    expect(parseEndpoint('tcp://node-7.cluster:5555')).toEqual({ host: 'node-7.cluster', port: 5555 });
    expect(parseEndpoint('tcp://10.0.0.1:1')).toEqual({ host: '10.0.0.1', port: 1 });
    expect(parseEndpoint('tcp://[fe80::1]:65535')).toEqual({ host: 'fe80::1', port: 65_535 });
    expect(parseEndpoint('tcp://*:5555')).toEqual({ host: '*', port: 5555 });
    expect(parsePorts('5600-5699')).toEqual({ from: 5600, to: 5699 });
    expect(parsePorts('5600')).toEqual({ from: 5600, to: 5600 });
  });

  it.each([
    '10.0.0.1:5555',
    'udp://10.0.0.1:5555',
    'tcp://10.0.0.1',
    'tcp://:5555',
    'tcp://10.0.0.1:0',
    'tcp://10.0.0.1:65536',
    'tcp://10.0.0.1:-1',
    'tcp://a b:5555',
    'tcp://fe80::1:5555',
    'tcp://[10.0.0.1]:5555',
    'tcp://[]:5555',
    'tcp://a:5555/x',
    'tcp://a:*',
    '',
  ])("is an error of its own where it is none: '%s'", (text) => {
    expect(() => parseEndpoint(text)).toThrow(AddressSyntaxError);
    expect(() => parseEndpoint(text)).toThrow(`'${text}' is no address`);
  });

  it.each(['5600-', '-5', '5699-5600', '0-10', '5600-70000', 'any', '5600–5699'])(
    'is an error where it is no range of ports: %s',
    (text) => {
      expect(() => parsePorts(text)).toThrow(`'${text}' is no range of ports`);
    },
  );

  it('comes back from an endpoint that was written', () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), port, (host, each) => {
        expect(parseEndpoint(endpointOf(host, each))).toEqual({ host, port: each });
      }),
    );
  });
});

describe('a socket that listens', () => {
  it('takes a port of the range that is free, and says which range has none', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    open.push(holder);
    const from = (holder.address() as { port: number }).port;
    const ports = { from, to: from + 3 };
    const taken = await Promise.all(Array.from({ length: 3 }, () => listen({ host: '127.0.0.1', ports })));
    const held = taken.map(portOf);
    expect(held.every((port) => port > from && port <= from + 3)).toBe(true);
    expect(new Set(held).size).toBe(3);
    const fourth = listen({ host: '127.0.0.1', ports });
    await expect(fourth).rejects.toThrow(PortsTakenError);
    await expect(fourth).rejects.toThrow(`no port from ${from} to ${from + 3} is free on 127.0.0.1`);
  });

  it.each(['0.0.0.0', '*', '::', '203.0.113.7'])('is refused on %s where it has no keys', async (host) => {
    await expect(listen({ host })).rejects.toThrow(InsecureAddressError);
    await expect(listen({ host })).rejects.toThrow('make keys with `lamp keys`');
    const inlet = DataInlet.bind({ from: 'worker 0', run: 'run', highWaterMark: 1, at: { host } });
    await expect(inlet).rejects.toThrow(InsecureAddressError);
  });

  it('is refused on a name that stands for an address of nobody', async () => {
    await expect(listen({ host: 'no-such-host.invalid' })).rejects.toThrow(EndpointError);
  });

  it('needs no keys on loopback, by address or name', async () => {
    expect((await listen({ host: '127.0.0.1' })).endpoint).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
    expect((await listen({ host: 'localhost' })).endpoint).toMatch(/^tcp:\/\/localhost:\d+$/);
  });

  it('tells others the name that it is told to, else an address that they can reach', async () => {
    const told = await listen({ host: '0.0.0.0', advertise: 'gateway.example' }, true);
    expect(told.endpoint).toMatch(/^tcp:\/\/gateway\.example:\d+$/);
    const server = await listen({ host: '*' }, true);
    expect(server.endpoint).not.toContain('0.0.0.0');
    const known = { keys, serverKey: keys.publicKey };
    const client = ControlClient.connect({ ...schemas, endpoint: server.endpoint, peer: 'worker 0', security: known });
    open.push(client);
    await client.send({ kind: 'note' });
    expect((await server.messages(AbortSignal.timeout(20_000)).next()).value).toMatchObject({ peer: 'worker 0' });
  });

  it.runIf(hasIPv6)('listens on IPv6 too', async () => {
    const server = await listen({ host: '::1' });
    expect(server.endpoint).toMatch(/^tcp:\/\/\[::1\]:\d+$/);
    const client = ControlClient.connect({ ...schemas, endpoint: server.endpoint, peer: 'worker 0' });
    open.push(client);
    await client.send({ kind: 'note' });
    expect((await server.messages(AbortSignal.timeout(20_000)).next()).value).toMatchObject({ peer: 'worker 0' });
  });
});
