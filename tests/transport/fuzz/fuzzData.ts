import { Push } from 'zeromq';
import type { RandomStream } from '../../../src/random/stream.ts';
import { DataInlet, DataOutlet } from '../../../src/transport/dataLink.ts';
import { FrameError } from '../../../src/transport/errors.ts';
import type { KeyPair } from '../../../src/transport/keyPair.ts';
import { PIECE_BYTES } from '../../../src/transport/pieces.ts';
import { decode, encode, keyOf } from '../../../src/transport/tensorMessage.ts';
import type { OutgoingTensor } from '../../../src/transport/tensorMessage.ts';
import { damaged, damages, packLoosely } from './badFrames.ts';
import { Breather, Tally } from './tally.ts';

const RUN = 'this-run';
const MAX_BYTES = 4096;
const rules = { link: 'the fuzzer', run: RUN, maxBytes: MAX_BYTES, pieceBytes: PIECE_BYTES };
const never = new AbortController().signal;

export interface PlaneReport {
  /** What was sent, by what was wrong with it. */
  readonly sent: Readonly<Record<string, number>>;
  /** What became of it, and what was to be expected. */
  readonly refused: Readonly<Record<string, number>>;
  readonly expected: Readonly<Record<string, number>>;
  /** Good messages that arrived as they were sent, and how many were sent. */
  readonly arrived: number;
  readonly good: number;
}

export interface Plane {
  readonly endpoint: string;
  /** Sends bad frames, and good ones of somebody else's in between. */
  fuzz(frames: number, random: RandomStream): Promise<PlaneReport>;
  close(): void;
}

const tensor = (step: number): OutgoingTensor => ({ kind: 'activation', step, microBatch: 0, stage: 1, shape: [2, 8] });
const valuesOf = (step: number): Float32Array => Float32Array.from({ length: 16 }, (_, i) => step + i / 16);

/** A data link with keys. The fuzzer has a key that is admitted: what it sends comes as far as it can. */
export async function dataPlane(server: KeyPair, client: KeyPair): Promise<Plane> {
  const security = { keys: server, admits: (key: string) => key === client.publicKey };
  const common = { run: RUN, highWaterMark: 64, maxBytes: MAX_BYTES };
  const inlet = await DataInlet.bind({ ...common, from: 'the fuzzer', at: { host: '127.0.0.1' }, security });
  const { endpoint } = inlet;
  const known = { keys: client, serverKey: server.publicKey };
  const outlet = DataOutlet.connect({ ...common, to: 'the inlet', endpoint, security: known });
  const curve = {
    curvePublicKey: client.publicKey,
    curveSecretKey: client.secretKey,
    curveServerKey: server.publicKey,
  };
  const fuzzer = new Push({ linger: 0, sendHighWaterMark: 64, ...curve });
  fuzzer.connect(endpoint);
  const close = (): void => {
    for (const socket of [fuzzer, outlet, inlet]) socket.close();
  };

  const fuzz = async (frames: number, random: RandomStream): Promise<PlaneReport> => {
    const [sent, expected, breather] = [new Tally(), new Tally(), new Breather()];
    const good = Math.ceil(frames / 10);
    let arrived = 0;
    const receive = async (key: string): Promise<Float32Array> => {
      for (;;) {
        try {
          return (await inlet.receive(key, never)).values as Float32Array;
        } catch (error) {
          if (!(error instanceof FrameError)) throw error;
        }
      }
    };
    const receiving = (async () => {
      for (let step = 0; step < good; step++) {
        const values = await receive(keyOf(tensor(step)));
        if (values.every((value, i) => value === valuesOf(step)[i])) arrived++;
      }
      await receive(keyOf({ kind: 'output', step: 0, microBatch: 0, stage: 0 }));
    })();
    const sending = (async () => {
      for (let step = 0; step < good; step++) await outlet.send(tensor(step), valuesOf(step), never);
    })();
    for (let i = 0; i < frames; i++) {
      const { what, frames: bad } = badMessage(random, arrived);
      sent.add(what);
      expected.add(what.startsWith('replayed') ? 'replayed' : faultOf(bad)!);
      await fuzzer.send(bad);
      await breather.breathe();
    }
    // The last of all, which comes behind everything that the fuzzer sent.
    await sending;
    await fuzzer.send(
      encode({ kind: 'output', step: 0, microBatch: 0, stage: 0, shape: [1] }, new Uint8Array(1), rules),
    );
    await receiving;
    return { sent: sent.all, refused: { ...inlet.counters }, expected: expected.all, arrived, good };
  };
  return { endpoint, fuzz, close };
}

const fields = { kind: 'activation', run: RUN, step: 3, microBatch: 0, stage: 1, shape: [2, 8], dtype: 'float32' };
const raw = new Uint8Array(64);

/** A message that is refused, whatever is drawn; or one that came before, of the last step or of an old one. */
function badMessage(random: RandomStream, arrived: number): { what: string; frames: Uint8Array[] } {
  for (;;) {
    const { what, frames } = drawn(random, arrived);
    if (what.startsWith('replayed') || faultOf(frames) !== undefined) return { what, frames };
  }
}

function drawn(random: RandomStream, arrived: number): { what: string; frames: Uint8Array[] } {
  const kind = random.integer(damages.length + 4);
  const damage = damages[kind];
  const good = { ...fields, step: random.integer(1000) };
  if (damage) return { what: damage, frames: damaged({ fields: good, rest: [raw] }, damage, random) };
  switch (kind - damages.length) {
    case 0:
      return { what: 'another run', frames: [packLoosely({ ...good, run: `run ${random.integer(99)}` }), raw] };
    case 1: {
      const shape = [random.integer(8), random.integer(2 ** 40)];
      return { what: 'wrong shape', frames: [packLoosely({ ...good, shape }), raw] };
    }
    case 2: {
      const size = MAX_BYTES + 1 + random.integer(MAX_BYTES);
      const frames = [packLoosely({ ...good, dtype: 'uint8', shape: [size] }), new Uint8Array(size)];
      return { what: 'too large', frames };
    }
    default:
      return replayed(random, arrived);
  }
}

/** What came before: just now, or within the last 2000 messages, of which the inlet remembers 4096. */
function replayed(random: RandomStream, arrived: number): { what: string; frames: Uint8Array[] } {
  if (arrived === 0) return drawn(random, arrived);
  const old = random.next() < 0.5;
  const step = arrived - 1 - (old ? random.integer(Math.min(2000, arrived)) : 0);
  const frames = encode(tensor(step), valuesOf(step), rules);
  return { what: old ? 'replayed, of an old step' : 'replayed at once', frames };
}

function faultOf(frames: readonly Uint8Array[]): string | undefined {
  try {
    decode(frames, rules);
    return undefined;
  } catch (error) {
    return (error as FrameError).reason;
  }
}
