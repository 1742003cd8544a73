import * as fc from 'fast-check';
import { pack as packLoosely } from 'msgpackr';
import { afterEach, describe, expect, it } from 'vitest';
import { Dealer } from 'zeromq';
import { z } from 'zod';
import { ControlClient, ControlServer } from '../../src/transport/control.ts';
import { ControlMessageError, EndpointError, LinkClosedError, PeerError } from '../../src/transport/errors.ts';
import { newKeyPair } from '../../src/transport/keyPair.ts';

const orders = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('step'), step: z.number().int(), note: z.string().optional() }),
  z.strictObject({ kind: z.literal('stop') }),
]);
const replies = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('hello') }),
  z.strictObject({ kind: z.literal('done'), step: z.number().int() }),
]);

const open: { close(): void }[] = [];
const kept = <T extends { close(): void }>(socket: T): T => {
  open.push(socket);
  return socket;
};

afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

const serve = async () => kept(await ControlServer.bind({ incoming: replies, outgoing: orders }));
const join = (server: { endpoint: string }, peer: string) =>
  kept(ControlClient.connect({ endpoint: server.endpoint, peer, incoming: orders, outgoing: replies }));
const stranger = (server: { endpoint: string }, routingId: string): Dealer => {
  const socket = kept(new Dealer({ linger: 0, routingId }));
  socket.connect(server.endpoint);
  return socket;
};

/** The next `count` items of a loop. */
const take = async <T>(items: AsyncGenerator<T, void>, count: number): Promise<T[]> => {
  const taken: T[] = [];
  while (taken.length < count) {
    const { value, done } = await items.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
};

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

describe('the control plane', () => {
  it('carries messages both ways, each to the peer that it is for', async () => {
    const server = await serve();
    const clients = ['worker 0', 'worker 1'].map((peer) => join(server, peer));
    for (const client of clients) await client.send({ kind: 'hello' });
    const greetings = await take(server.messages(soon()), 2);
    expect(greetings.map(({ peer }) => peer).toSorted()).toEqual(['worker 0', 'worker 1']);
    await server.send('worker 1', { kind: 'step', step: 1 });
    await server.send('worker 0', { kind: 'step', step: 0, note: 'first' });
    expect(await take(clients[0]!.messages(soon()), 1)).toEqual([{ kind: 'step', step: 0, note: 'first' }]);
    expect(await take(clients[1]!.messages(soon()), 1)).toEqual([{ kind: 'step', step: 1 }]);
  });

  it('keeps the order, also of messages sent without waiting for each other', async () => {
    const server = await serve();
    const client = join(server, 'worker 0');
    const steps = Array.from({ length: 500 }, (_, step) => step);
    const sending = Promise.all(steps.map((step) => client.send({ kind: 'done', step })));
    const received = await take(server.messages(soon()), steps.length);
    await sending;
    expect(received.map(({ message }) => message)).toEqual(steps.map((step) => ({ kind: 'done', step })));
    const ordering = Promise.all(steps.map((step) => server.send('worker 0', { kind: 'step', step })));
    expect(await take(client.messages(soon()), steps.length)).toEqual(steps.map((step) => ({ kind: 'step', step })));
    await ordering;
  });

  it('loses nothing between two loops', async () => {
    const server = await serve();
    const client = join(server, 'worker 0');
    const abort = new AbortController();
    const waiting = take(server.messages(abort.signal), 1);
    abort.abort();
    expect(await waiting).toEqual([]);
    await client.send({ kind: 'hello' });
    await client.send({ kind: 'done', step: 1 });
    expect(await take(server.messages(soon()), 1)).toEqual([{ peer: 'worker 0', message: { kind: 'hello' } }]);
    expect(await take(server.messages(soon()), 1)).toEqual([{ peer: 'worker 0', message: { kind: 'done', step: 1 } }]);
  });

  it('says which address it could not use', async () => {
    const elsewhere = { address: { host: '203.0.113.7' }, security: { keys: newKeyPair(), admits: () => true } };
    await expect(ControlServer.bind({ incoming: replies, outgoing: orders, ...elsewhere })).rejects.toThrow(
      EndpointError,
    );
    expect(() => join({ endpoint: 'nowhere' }, 'worker 0')).toThrow('cannot connect to nowhere');
  });
});

describe('a wait on the control plane', () => {
  it('ends when its signal aborts, and when the socket closes', async () => {
    const server = await serve();
    const client = join(server, 'worker 0');
    const abort = new AbortController();
    const loops = [take(server.messages(abort.signal), 1), take(client.messages(abort.signal), 1)];
    abort.abort();
    expect(await Promise.all(loops)).toEqual([[], []]);
    expect(await take(server.messages(abort.signal), 1)).toEqual([]);
    const others = [take(server.messages(soon()), 1), take(client.messages(soon()), 1)];
    server.close();
    client.close();
    expect(await Promise.all(others)).toEqual([[], []]);
    await expect(client.send({ kind: 'hello' })).rejects.toThrow(LinkClosedError);
    await expect(server.send('worker 0', { kind: 'stop' })).rejects.toThrow(LinkClosedError);
    server.close();
  });
});

describe('a peer that is not there', () => {
  it('is an error with its name, before and after others have come', async () => {
    const server = await serve();
    await expect(server.send('worker 0', { kind: 'stop' })).rejects.toThrow(PeerError);
    const client = join(server, 'worker 0');
    await client.send({ kind: 'hello' });
    await take(server.messages(soon()), 1);
    await expect(server.send('worker 1', { kind: 'stop' })).rejects.toMatchObject({
      peer: 'worker 1',
      reason: 'unknown',
    });
    await server.send('worker 0', { kind: 'stop' });
    expect(await take(client.messages(soon()), 1)).toEqual([{ kind: 'stop' }]);
  });

  it('is an error too where it has stopped reading, and does not hold up the others', async () => {
    const server = await serve();
    for (const name of ['worker 0', 'worker 1']) await join(server, name).send({ kind: 'hello' });
    await take(server.messages(soon()), 2);
    const note = 'x'.repeat(20_000);
    const steps = Array.from({ length: 5000 }, (_, step) => step);
    const sending = Promise.all(steps.map((step) => server.send('worker 0', { kind: 'step', step, note })));
    await expect(sending).rejects.toMatchObject({ name: 'PeerError', peer: 'worker 0', reason: 'stalled' });
    await server.send('worker 1', { kind: 'stop' });
  });
});

describe('a control message that is none', () => {
  it('is reported with the peer that sent it, and the loop goes on', async () => {
    const server = await serve();
    const socket = stranger(server, 'somebody');
    await socket.send('nonsense');
    await socket.send(packLoosely({ kind: 'unheard of' }));
    await socket.send(packLoosely({ kind: 'done', step: 'one' }));
    await socket.send([packLoosely({ kind: 'hello' }), 'another frame']);
    await socket.send(packLoosely({ kind: 'hello' }));
    const items = await take(server.messages(soon()), 5);
    expect(items.every(({ peer }) => peer === 'somebody')).toBe(true);
    expect(items.map(({ message }) => message.kind)).toEqual([...Array<string>(4).fill('malformed'), 'hello']);
    expect(items[2]).toMatchObject({ message: { reason: expect.stringContaining('step: ') } });
    expect(items[3]).toMatchObject({ message: { reason: '2 frames instead of 1' } });
  });

  it('is never more than a report, whatever its bytes', async () => {
    const server = await serve();
    const socket = stranger(server, 'somebody');
    const items = server.messages(soon());
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 3 }), async (frames) => {
        await socket.send(frames);
        expect(await take(items, 1)).toMatchObject([{ message: { kind: 'malformed' } }]);
      }),
      { numRuns: 500 },
    );
    await socket.send(packLoosely({ kind: 'hello' }));
    expect(await take(items, 1)).toEqual([{ peer: 'somebody', message: { kind: 'hello' } }]);
  });

  it('does not leave a sender that asks for it', async () => {
    const server = await serve();
    const client = join(server, 'worker 0');
    await expect(client.send({ kind: 'done', step: 0.5 })).rejects.toThrow(ControlMessageError);
    await expect(client.send({ kind: 'done', step: 0.5 })).rejects.toThrow(/to the coordinator not sent: step: /);
    await client.send({ kind: 'hello' });
    expect(await take(server.messages(soon()), 1)).toMatchObject([{ message: { kind: 'hello' } }]);
  });
});
