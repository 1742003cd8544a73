import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSockets, until } from './processes.ts';
import { Proxy } from './proxy.ts';

const HOST = '127.0.0.1';
let sockets: number;
let server: Server;
let proxy: Proxy;
let port: number;
/** What has come at the server, by connection. */
let taken: Socket[];

beforeEach(async () => {
  sockets = openSockets();
  taken = [];
  server = createServer((socket) => {
    taken.push(socket.on('error', () => {}));
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  proxy = new Proxy({ host: HOST, target: HOST });
  port = await proxy.forward(0, (server.address() as AddressInfo).port);
});

afterEach(async () => {
  await proxy.close();
  for (const socket of taken) socket.destroy();
  server.close();
  await until(() => openSockets() <= sockets && proxy.connections === 0);
});

async function client(): Promise<[client: Socket, server: Socket]> {
  const number = taken.length;
  const socket = connect(port, HOST).on('error', () => {});
  await until(() => taken.length > number);
  return [socket, taken[number]!];
}

test('what is sent arrives whole, both ways, and so does the end', async () => {
  const [near, far] = await client();
  const sent = Buffer.alloc(3_000_000, 'lamp');
  near.end(sent);
  far.end('an answer');
  expect((await buffer(far)).equals(sent)).toBe(true);
  expect(await text(near)).toBe('an answer');
  expect(proxy.forwarded).toBe(3_000_009);
});

test('a delay is waited for in each direction, and a limit for every byte', async () => {
  const [near, far] = await client();
  proxy.limit({ milliseconds: 60, bytesPerSecond: 1_000_000 });
  const began = performance.now();
  near.end(Buffer.alloc(100_000));
  await buffer(far);
  // 100 ms for the bytes, then the delay; how much longer it takes is the machine's affair.
  expect(performance.now() - began).toBeGreaterThanOrEqual(155);
  far.end('back');
  await text(near);
  expect(performance.now() - began).toBeGreaterThanOrEqual(215);
});

test('the bytes of two connections share the limit', async () => {
  const [one, farOne] = await client();
  const [two, farTwo] = await client();
  proxy.limit({ bytesPerSecond: 1_000_000 });
  const began = performance.now();
  one.end(Buffer.alloc(100_000));
  two.end(Buffer.alloc(100_000));
  await Promise.all([buffer(farOne), buffer(farTwo)]);
  expect(performance.now() - began).toBeGreaterThanOrEqual(195);
});

test('a frozen link holds what is sent and who closes, and lets both through when it is healed', async () => {
  const [near, far] = await client();
  let heard = '';
  let closed = false;
  far.setEncoding('utf8').on('data', (more: string) => (heard += more));
  far.on('close', () => (closed = true));
  near.write('before, ');
  await until(() => heard === 'before, ');
  proxy.freeze();
  near.end('after');
  far.end();
  await setTimeout(100);
  expect([heard, closed]).toEqual(['before, ', false]);
  proxy.heal();
  await until(() => closed);
  expect(heard).toBe('before, after');
});

test('a dropped link closes what is open and takes up what is new', async () => {
  const [near, far] = await client();
  proxy.drop();
  await until(() => near.closed && far.closed);
  const [again, there] = await client();
  again.end('again');
  expect(await text(there)).toBe('again');
});

test('a link that refuses puts out everybody until it is healed', async () => {
  const [near] = await client();
  proxy.refuse();
  await until(() => near.closed);
  const late = connect(port, HOST).on('error', () => {});
  await until(() => late.closed);
  expect(taken).toHaveLength(1);
  proxy.heal();
  const [again, there] = await client();
  again.end('again');
  expect(await text(there)).toBe('again');
});

test('a link is cut behind the byte that was said, once', async () => {
  const [near, far] = await client();
  proxy.cutAfter(5);
  near.write('half of a message');
  expect(await text(far)).toBe('half ');
  await until(() => near.closed);
  const [again, there] = await client();
  again.end('a whole one');
  expect(await text(there)).toBe('a whole one');
});

test('whoever is not there to be forwarded to is gone for the one that connects', async () => {
  server.close();
  const near = connect(port, HOST).on('error', () => {});
  await until(() => near.closed);
  expect(taken).toEqual([]);
});
