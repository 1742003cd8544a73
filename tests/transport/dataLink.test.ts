import { platform } from 'node:os';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Push } from 'zeromq';
import { DataInlet, DataOutlet } from '../../src/transport/dataLink.ts';
import { EndpointError, FrameError, LinkClosedError, SetAsideError } from '../../src/transport/errors.ts';
import { newKeyPair } from '../../src/transport/keyPair.ts';
import { decode, encode, keyOf } from '../../src/transport/tensorMessage.ts';
import type { OutgoingTensor, TensorAddress } from '../../src/transport/tensorMessage.ts';
import { mutated, tensors } from './frames.ts';

const RUN = 'run-1';
const never = new AbortController().signal;
const open: { close(): void }[] = [];

const kept = <T extends { close(): void }>(socket: T): T => {
  open.push(socket);
  return socket;
};

afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

const listen = async (options: { highWaterMark?: number; setAside?: number; maxBytes?: number } = {}) =>
  kept(await DataInlet.bind({ from: 'worker 0', run: RUN, highWaterMark: 2, ...options }));

const connect = (inlet: { endpoint: string }, options: { highWaterMark?: number; run?: string } = {}) =>
  kept(DataOutlet.connect({ endpoint: inlet.endpoint, to: 'worker 1', run: RUN, highWaterMark: 2, ...options }));

/** A peer that sends whatever it likes. */
const stranger = (inlet: DataInlet): Push => {
  const socket = kept(new Push({ linger: 0 }));
  socket.connect(inlet.endpoint);
  return socket;
};

const address = (microBatch: number): TensorAddress => ({ kind: 'activation', step: 0, microBatch, stage: 1 });
const tensor = (microBatch: number, size = 1): OutgoingTensor => ({ ...address(microBatch), shape: [size] });
const key = (microBatch: number): string => keyOf(address(microBatch));

/** Resolves once `value` has stopped changing. */
const settled = async (value: () => number): Promise<number> => {
  for (let last = Number.NaN; ;) {
    if (value() === last) return last;
    last = value();
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
};

describe('a data link', () => {
  it('carries tensors of every kind, type and shape', async () => {
    const inlet = await listen();
    const outlet = connect(inlet);
    await fc.assert(
      fc.asyncProperty(tensors, async ({ tensor: sent, values }) => {
        await outlet.send(sent, values.slice(), never);
        const message = await inlet.receive(keyOf(sent), never);
        expect(message.header).toMatchObject(sent);
        expect(message.values).toEqual(values);
      }),
    );
  });

  it('keeps the order, and gives a message to the one who waits for it', async () => {
    const inlet = await listen();
    const outlet = connect(inlet);
    const sending = Promise.all([0, 1, 2, 3, 4].map((i) => outlet.send(tensor(i), new Float32Array([i]), never)));
    const asked = [3, 0, 4, 1, 2];
    const arrived: number[] = [];
    const receiving = asked.map(async (i) => {
      const { values } = await inlet.receive(key(i), never);
      arrived.push(i);
      expect(values[0]).toBe(i);
    });
    await Promise.all([sending, ...receiving]);
    expect(arrived).toEqual([0, 1, 2, 3, 4]);
  });

  it('carries a large tensor whole', async () => {
    const inlet = await listen();
    const outlet = connect(inlet);
    const values = Float32Array.from({ length: 3_000_001 }, (_, i) => i);
    await outlet.send(tensor(0, values.length), values, never);
    const message = await inlet.receive(key(0), never);
    expect(Buffer.compare(Buffer.from(message.values.buffer), Buffer.from(values.buffer))).toBe(0);
  });

  it('counts what it carried at both ends', async () => {
    const inlet = await listen();
    const outlet = connect(inlet);
    await outlet.send(tensor(0, 10), new Float32Array(10), never);
    await outlet.send(tensor(1, 3), new Uint8Array(3), never);
    await inlet.receive(key(1), never);
    expect([outlet.bytesSent, outlet.messagesSent]).toEqual([43, 2]);
    expect([inlet.bytesReceived, inlet.messagesReceived, inlet.refused]).toEqual([43, 2, 0]);
  });

  it('lets a sender begin before anybody reads, and listens on this machine only', async () => {
    const inlet = await listen();
    expect(inlet.endpoint).toMatch(
      platform() === 'linux' ? /^ipc:\/\/@lamp-[-0-9a-f]{36}$/ : /^tcp:\/\/127\.0\.0\.1:\d+$/,
    );
    await connect(inlet).send(tensor(0), new Float32Array(1), never);
    await expect(inlet.receive(key(0), never)).resolves.toBeDefined();
  });

  it('says which address it could not use', async () => {
    const security = { keys: newKeyPair(), admits: () => true };
    const options = { from: 'worker 0', run: RUN, highWaterMark: 1, at: { host: '203.0.113.7' }, security };
    await expect(DataInlet.bind(options)).rejects.toThrow(EndpointError);
    await expect(DataInlet.bind(options)).rejects.toThrow('cannot listen on tcp://203.0.113.7:*');
    const wrong = { endpoint: 'nowhere', to: 'worker 1', run: RUN, highWaterMark: 1 };
    expect(() => DataOutlet.connect(wrong)).toThrow(EndpointError);
  });
});

describe('a receiver that is slow', () => {
  it.each([
    [1, 1],
    [2, 4],
    [4, 2],
  ])('holds the sender back: marks %i and %i', async (senderMark, receiverMark) => {
    const inlet = await listen({ highWaterMark: receiverMark });
    const outlet = connect(inlet, { highWaterMark: senderMark });
    const size = 4 << 20; // 16 MiB: more than the kernel's buffers hold
    const values = new Float32Array(size);
    const total = senderMark + receiverMark + 8;
    const sending = Array.from({ length: total }, (_, i) => outlet.send(tensor(i, size), values, never));
    const bound = senderMark + receiverMark + 3;
    expect(await settled(() => outlet.messagesSent)).toBeLessThanOrEqual(bound);
    for (let i = 0; i < total; i++) {
      await inlet.receive(key(i), never);
      expect(outlet.messagesSent - (i + 1)).toBeLessThanOrEqual(bound);
    }
    await Promise.all(sending);
    expect(outlet.waiting).toBe(0);
  });
});

describe('a wait on a data link', () => {
  it('ends with the reason where it is aborted, and nothing is lost', async () => {
    const inlet = await listen();
    const outlet = connect(inlet);
    const abort = new AbortController();
    const reason = new Error('enough');
    const waiting = inlet.receive(key(0), abort.signal);
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(inlet.receive(key(0), abort.signal)).rejects.toBe(reason);
    await expect(outlet.send(tensor(0), new Float32Array(1), abort.signal)).rejects.toBe(reason);
    await outlet.send(tensor(0), new Float32Array([5]), never);
    await outlet.send(tensor(1), new Float32Array([6]), never);
    expect((await inlet.receive(key(1), never)).values[0]).toBe(6);
    expect((await inlet.receive(key(0), never)).values[0]).toBe(5);
  });

  it('ends where a sender that the link has no room for is aborted; what waited behind it is not sent', async () => {
    const inlet = await listen({ highWaterMark: 1 });
    const outlet = connect(inlet, { highWaterMark: 1 });
    const size = 4 << 20;
    const values = new Float32Array(size);
    const abort = new AbortController();
    const results = Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => outlet.send(tensor(i, size), values, abort.signal)),
    );
    const sent = await settled(() => outlet.messagesSent);
    abort.abort(new Error('enough'));
    expect((await results).filter((result) => result.status === 'fulfilled')).toHaveLength(sent);
    const later = outlet.send(tensor(99), new Float32Array(1), never);
    // The one that was with ZeroMQ may still come: it cannot be called back.
    for (let i = 0; i < sent; i++) await inlet.receive(key(i), never);
    await inlet.receive(key(99), never);
    await later;
    expect(inlet.messagesReceived).toBeLessThanOrEqual(sent + 2);
  });

  it('ends where the link is closed, on either side', async () => {
    const inlet = await listen();
    const receiving = inlet.receive(key(0), never);
    inlet.close();
    await expect(receiving).rejects.toThrow(LinkClosedError);
    await expect(inlet.receive(key(0), never)).rejects.toThrow('the link with worker 0 is closed');

    // Nobody listens there, so nothing leaves.
    const outlet = connect({ endpoint: 'tcp://127.0.0.1:1' }, { highWaterMark: 1 });
    const results = Promise.allSettled(
      Array.from({ length: 5 }, (_, i) => outlet.send(tensor(i), new Float32Array(1), never)),
    );
    await settled(() => outlet.messagesSent);
    outlet.close();
    const last = (await results).at(-1);
    expect(last).toMatchObject({ status: 'rejected', reason: { name: 'LinkClosedError' } });
    await expect(outlet.send(tensor(9), new Float32Array(1), never)).rejects.toThrow(LinkClosedError);
  });

  it('leaves no listener behind on a signal that lives long', async () => {
    const inlet = await listen();
    const outlet = connect(inlet);
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    for (let i = 0; i < 20; i++) {
      const receiving = inlet.receive(key(i), signal);
      await outlet.send(tensor(i), new Float32Array(1), signal);
      await receiving;
    }
    expect(listeners).toBe(0);
  });
});

describe('messages that nobody asked for', () => {
  it('are kept up to a limit, then the link is given up with an error that tells both sides of the story', async () => {
    const inlet = await listen({ setAside: 3 });
    const outlet = connect(inlet, { highWaterMark: 10 });
    const waiting = inlet.receive(key(99), never).catch((error: unknown) => error);
    for (let i = 0; i < 4; i++) await outlet.send(tensor(i), new Float32Array([i]), never);
    expect(await waiting).toBeInstanceOf(SetAsideError);
    await expect(inlet.receive(key(98), never)).rejects.toMatchObject({
      limit: 3,
      awaited: [key(99)],
      arrived: [key(0), key(1), key(2), key(3)],
    });
    expect((await inlet.receive(key(2), never)).values[0]).toBe(2);
  });
});

describe('what a stranger sends', () => {
  it("is nobody's where it belongs to another run: it is dropped and counted, and who waits is not disturbed", async () => {
    const inlet = await listen();
    const foreign = connect(inlet, { run: 'run-0' });
    const waiting = inlet.receive(key(0), never);
    await foreign.send(tensor(0), new Float32Array(1), never);
    await connect(inlet).send(tensor(0), new Float32Array([7]), never);
    expect((await waiting).values[0]).toBe(7);
    await settled(() => inlet.refused);
    expect(inlet.counters).toEqual({ run: 1 });
  });

  it('is told to the next who waits, where nobody waits any more', async () => {
    const inlet = await listen();
    const abort = new AbortController();
    const waiting = inlet.receive(key(0), abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await stranger(inlet).send('nonsense');
    await settled(() => inlet.refused);
    await expect(inlet.receive(key(0), never)).rejects.toThrow('1 frames instead of 2');
  });

  it('is refused with a name where it is too large, and cut off by ZeroMQ where it is far too large', async () => {
    const inlet = await listen({ maxBytes: 1000 });
    const outlet = connect(inlet);
    const waiting = inlet.receive(key(0), never).catch((error: unknown) => error);
    await outlet.send(tensor(0, 500), new Float32Array(500), never);
    expect(await waiting).toMatchObject({ name: 'FrameError', reason: 'tooLarge' });
    await stranger(inlet).send(['header', new Uint8Array(1 << 20)]);
    await outlet.send(tensor(0), new Float32Array([7]), never);
    expect((await inlet.receive(key(0), never)).values[0]).toBe(7);
    expect(inlet.refused).toBe(1);
  });

  it('is a FrameError however it is garbled, and good messages pass in between', async () => {
    const inlet = await listen({ setAside: 1_000_000 });
    const socket = stranger(inlet);
    const rules = { link: 'worker 0', run: RUN, maxBytes: 1 << 20 };
    const garbled = tensors.chain(({ tensor: one, values }) => mutated(encode(one, values, rules)));
    let good = 0;
    await fc.assert(
      fc.asyncProperty(garbled, async (frames) => {
        // ZeroMQ has no message without frames.
        if (frames.length === 0) return;
        good++;
        const waiting = inlet.receive(key(good), never).catch((error: unknown) => error);
        await socket.send(frames);
        await socket.send(encode(tensor(good), new Float32Array([good]), rules));
        const first = await waiting;
        expect(first instanceof FrameError).toBe(isTold(frames, rules));
        const message = first instanceof Error ? await inlet.receive(key(good), never) : first;
        expect(message).toMatchObject({ values: new Float32Array([good]) });
      }),
      { numRuns: 2000 },
    );
    expect(inlet.refused).toBeGreaterThan(1000);
  });
});

/** Whether there is something wrong with frames that somebody who waits is told of. */
const isTold = (frames: readonly Uint8Array[], rules: Parameters<typeof decode>[1]): boolean => {
  try {
    decode(frames, rules);
    return false;
  } catch (error) {
    return (error as FrameError).reason !== 'run';
  }
};
