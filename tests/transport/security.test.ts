import { once } from 'node:events';
import { connect as connectTcp, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Dealer } from 'zeromq';
import { z } from 'zod';
import { ControlClient, ControlServer } from '../../src/transport/control.ts';
import { DataInlet, DataOutlet } from '../../src/transport/dataLink.ts';
import { newKeyPair } from '../../src/transport/keyPair.ts';
import type { ClientSecurity } from '../../src/transport/keyPair.ts';
import type { LinkEvent } from '../../src/transport/linkEvents.ts';
import { PIECE_BYTES } from '../../src/transport/pieces.ts';
import { keyOf } from '../../src/transport/tensorMessage.ts';
import type { TensorAddress } from '../../src/transport/tensorMessage.ts';
import { zapCounters } from '../../src/transport/zap.ts';

const note = z.strictObject({ kind: z.literal('note'), text: z.string() });
const schemas = { incoming: note, outgoing: note };
const RUN = 'run-1';
const never = new AbortController().signal;
const soon = (): AbortSignal => AbortSignal.timeout(20_000);

const open: { close(): void }[] = [];
const kept = <T extends { close(): void }>(socket: T): T => {
  open.push(socket);
  return socket;
};
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

const coordinator = newKeyPair();
const worker = newKeyPair();
const stranger = newKeyPair();
const known: ClientSecurity = { keys: worker, serverKey: coordinator.publicKey };

const serve = async () => {
  const security = { keys: coordinator, admits: (key: string) => key === worker.publicKey };
  return kept(await ControlServer.bind({ ...schemas, security }));
};
const join = (server: { endpoint: string }, peer: string, security?: ClientSecurity) => {
  const events: LinkEvent[] = [];
  const { endpoint } = server;
  const client = ControlClient.connect({
    ...schemas,
    endpoint,
    peer,
    security,
    onEvent: (event) => events.push(event),
  });
  return { client: kept(client), events };
};

const until = async (true_: () => boolean): Promise<void> => {
  for (let i = 0; i < 400 && !true_(); i++) await new Promise((resolve) => setTimeout(resolve, 25));
  expect(true_()).toBe(true);
};

describe('a control plane with keys', () => {
  it('carries messages both ways for the worker whose key is admitted', async () => {
    const server = await serve();
    const { client, events } = join(server, 'worker 0', known);
    await client.send({ kind: 'note', text: 'hello' });
    const { value } = await server.messages(soon()).next();
    expect(value).toEqual({ peer: 'worker 0', message: { kind: 'note', text: 'hello' } });
    await server.send('worker 0', { kind: 'note', text: 'welcome' });
    expect((await client.messages(soon()).next()).value).toEqual({ kind: 'note', text: 'welcome' });
    expect(server.counters).toEqual({});
    expect(events).toMatchObject([{ kind: 'connected' }]);
  });

  it('gives nothing to strangers, takes nothing from them, and goes on for the others', async () => {
    const server = await serve();
    const before = zapCounters().key ?? 0;
    const received: string[] = [];
    const reading = (async () => {
      for await (const { message } of server.messages(never))
        received.push(message.kind === 'note' ? message.text : '?');
    })();
    const unknownKey = join(server, 'stranger 1', { keys: stranger, serverKey: coordinator.publicKey });
    const wrongServer = join(server, 'stranger 2', { keys: worker, serverKey: stranger.publicKey });
    const noKeys = join(server, 'stranger 3');
    const password = kept(new Dealer({ linger: 0, routingId: 'stranger 4', plainUsername: 'a', plainPassword: 'b' }));
    password.connect(server.endpoint);
    const raw = connectTcp(Number(server.endpoint.split(':').at(-1)), '127.0.0.1').on('error', () => {});
    let rawBytes = 0;
    raw.on('data', (data) => (rawBytes += data.length));
    raw.write(Buffer.alloc(5000, 0x42));
    // ZeroMQ takes no more from one that has failed already.
    for (const { client } of [unknownKey, wrongServer, noKeys])
      await client.send({ kind: 'note', text: 'let me in' }).catch(() => {});
    await password.send('let me in').catch(() => {});

    const { client } = join(server, 'worker 0', known);
    const texts = Array.from({ length: 300 }, (_, i) => `message ${i}`);
    for (const text of texts) await client.send({ kind: 'note', text });
    await until(() => received.length === texts.length);
    expect(received).toEqual(texts);

    await until(() => [unknownKey, wrongServer, noKeys].every(({ events }) => events.length > 0));
    for (const { events } of [unknownKey, wrongServer, noKeys])
      expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(['handshake failed']));
    await until(() => (server.counters.handshake ?? 0) >= 3);
    expect(server.counters.key).toBeGreaterThanOrEqual(1);
    expect(zapCounters().key ?? 0).toBeGreaterThan(before);
    for (const name of ['stranger 1', 'stranger 2', 'stranger 3', 'stranger 4'])
      await expect(server.send(name, { kind: 'note', text: 'secret' })).rejects.toMatchObject({ reason: 'unknown' });
    // A greeting of ZeroMQ's is 64 bytes at most: no more than that is said to whom we do not know.
    expect(rawBytes).toBeLessThanOrEqual(64);
    raw.destroy();
    server.close();
    await reading;
    expect(received).toEqual(texts);
  });

  it('sends nothing that can be read on the way', async () => {
    const server = await serve();
    const passed: Buffer[] = [];
    const wire = createServer((from) => {
      const to = connectTcp(Number(server.endpoint.split(':').at(-1)), '127.0.0.1');
      for (const end of [from, to]) end.on('data', (data) => passed.push(data)).on('error', () => {});
      from.pipe(to).pipe(from);
    });
    wire.listen(0, '127.0.0.1');
    await once(wire, 'listening');
    kept(wire);
    const { client } = join({ endpoint: `tcp://127.0.0.1:${(wire.address() as AddressInfo).port}` }, 'worker 0', known);
    const text = 'nobody else may read this';
    await client.send({ kind: 'note', text });
    expect((await server.messages(soon()).next()).value).toMatchObject({ message: { text } });
    const bytes = Buffer.concat(passed).toString('latin1');
    expect(bytes).toContain('CURVE');
    for (const hidden of [text, 'worker 0', worker.secretKey]) expect(bytes).not.toContain(hidden);
  });
});

describe('a data link with keys', () => {
  const address = (microBatch: number): TensorAddress => ({ kind: 'activation', step: 0, microBatch, stage: 1 });
  const plane = { run: RUN, highWaterMark: 2 };
  const send = (outlet: DataOutlet, i: number) =>
    outlet.send({ ...address(i), shape: [1] }, new Float32Array([i]), never);

  it('carries tensors whichever end listens', async () => {
    const listens = { keys: coordinator, admits: (key: string) => key === worker.publicKey };
    const inlet = kept(await DataInlet.bind({ ...plane, from: 'a', at: { host: '127.0.0.1' }, security: listens }));
    const outlet = kept(DataOutlet.connect({ ...plane, to: 'b', endpoint: inlet.endpoint, security: known }));
    await send(outlet, 1);
    expect((await inlet.receive(keyOf(address(1)), soon())).values[0]).toBe(1);
    const bound = kept(await DataOutlet.bind({ ...plane, to: 'b', at: { host: '127.0.0.1' }, security: listens }));
    const connected = kept(DataInlet.connect({ ...plane, from: 'a', endpoint: bound.endpoint, security: known }));
    await send(bound, 2);
    expect((await connected.receive(keyOf(address(2)), soon())).values[0]).toBe(2);
  });

  it('carries a tensor in pieces, each no larger than what a stranger may have us hold', async () => {
    const listens = { keys: coordinator, admits: (key: string) => key === worker.publicKey };
    const inlet = kept(await DataInlet.bind({ ...plane, from: 'a', at: { host: '127.0.0.1' }, security: listens }));
    const outlet = kept(DataOutlet.connect({ ...plane, to: 'b', endpoint: inlet.endpoint, security: known }));
    for (const length of [0, 1, PIECE_BYTES / 4, PIECE_BYTES / 4 + 1, PIECE_BYTES]) {
      const values = Float32Array.from({ length }, (_, i) => i);
      void outlet.send({ ...address(length), shape: [length] }, values, never);
      expect((await inlet.receive(keyOf(address(length)), soon())).values).toEqual(values);
    }
    expect(inlet.counters).toEqual({});
  });

  it.each(['inlet', 'outlet'] as const)('cuts off a stranger who says that much is to come, an %s', async (end) => {
    const listens = { keys: coordinator, admits: (key: string) => key === worker.publicKey };
    const at = { host: '127.0.0.1' };
    const options = { ...plane, at, security: listens };
    const { endpoint } = kept(
      end === 'inlet'
        ? await DataInlet.bind({ ...options, from: 'a' })
        : await DataOutlet.bind({ ...options, to: 'b' }),
    );
    const socket = connectTcp(Number(new URL(endpoint).port), at.host);
    let told = 0;
    socket.on('data', (data) => (told += data.length)).on('error', () => {});
    // A greeting (ZMTP 3.1, CURVE), and a command of 512 KiB as its first.
    const greeting = Buffer.alloc(64);
    greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]);
    greeting.write('CURVE', 12, 'ascii');
    socket.write(Buffer.concat([greeting, Buffer.from([0x06, 0, 0, 0, 0, 0, 0x08, 0, 0])]));
    await once(socket, 'close', { signal: AbortSignal.timeout(5_000) });
    // A greeting of its own, and nothing else.
    expect(told).toBeLessThanOrEqual(64);
  });

  it('takes nothing from a sender that is not admitted, and sends nothing to a receiver that is not', async () => {
    const listens = { keys: coordinator, admits: (key: string) => key === worker.publicKey };
    const wrong = { keys: stranger, serverKey: coordinator.publicKey };
    const inlet = kept(await DataInlet.bind({ ...plane, from: 'a', at: { host: '127.0.0.1' }, security: listens }));
    await send(kept(DataOutlet.connect({ ...plane, to: 'b', endpoint: inlet.endpoint, security: wrong })), 1);
    const receiving = inlet.receive(keyOf(address(1)), soon());
    await until(() => (inlet.counters.key ?? 0) > 0);
    await send(kept(DataOutlet.connect({ ...plane, to: 'b', endpoint: inlet.endpoint, security: known })), 1);
    expect((await receiving).values[0]).toBe(1);
    expect(inlet.messagesReceived).toBe(1);

    const outlet = kept(await DataOutlet.bind({ ...plane, to: 'b', at: { host: '127.0.0.1' }, security: listens }));
    const thief = kept(DataInlet.connect({ ...plane, from: 'a', endpoint: outlet.endpoint, security: wrong }));
    const stealing = thief.receive(keyOf(address(3)), never).catch((error: unknown) => error);
    await until(() => (outlet.counters.key ?? 0) > 0);
    const owner = kept(DataInlet.connect({ ...plane, from: 'a', endpoint: outlet.endpoint, security: known }));
    await send(outlet, 3);
    expect((await owner.receive(keyOf(address(3)), soon())).values[0]).toBe(3);
    thief.close();
    expect(await stealing).toMatchObject({ name: 'LinkClosedError' });
    expect(thief.messagesReceived).toBe(0);
  });
});
