import { Dealer } from 'zeromq';
import type { RandomStream } from '../../../src/random/stream.ts';
import { ControlClient, ControlServer } from '../../../src/transport/control.ts';
import { decodeControl } from '../../../src/transport/controlCodec.ts';
import type { KeyPair } from '../../../src/transport/keyPair.ts';
import { replySchema, requestSchema } from '../../../src/transport/protocol.ts';
import { damaged, damages, packLoosely } from './badFrames.ts';
import type { Plane, PlaneReport } from './fuzzData.ts';
import { Breather, Tally } from './tally.ts';

const schemas = { incoming: replySchema, outgoing: requestSchema };
const FUZZER = 'worker 0';
const FRIEND = 'worker 1';

/** What workers say, of every kind that has something in it. */
const replies: readonly Record<string, unknown>[] = [
  { kind: 'hello', pid: 17, key: null },
  { kind: 'heartbeat', doing: 'computing', progress: 12 },
  { kind: 'doing', step: 3, action: '2F0' },
  { kind: 'failed', during: '2F0', step: 3, error: { name: 'Error', message: 'no memory' } },
  { kind: 'snapped', id: 4, keys: ['encoder.1.Down.conv.0.conv.weight'], bytes: 1234 },
  { kind: 'fed', id: 5, seconds: 0.5, skipped: [{ file: 'a.nii', problem: 'too small' }] },
  { kind: 'stopped', id: 6 },
];

/** The coordinator's socket, with keys, and two workers whose key is admitted: one fuzzes, the other works. */
export async function controlPlane(server: KeyPair, client: KeyPair): Promise<Plane> {
  const security = { keys: server, admits: (key: string) => key === client.publicKey };
  const coordinator = await ControlServer.bind({ ...schemas, security });
  const { endpoint } = coordinator;
  const known = { keys: client, serverKey: server.publicKey };
  const friend = ControlClient.connect({
    ...{ endpoint, peer: FRIEND, security: known },
    ...{ incoming: requestSchema, outgoing: replySchema },
  });
  const curve = {
    curvePublicKey: client.publicKey,
    curveSecretKey: client.secretKey,
    curveServerKey: server.publicKey,
  };
  const fuzzer = new Dealer({ linger: 0, routingId: FUZZER, ...curve });
  fuzzer.connect(endpoint);
  const close = (): void => {
    for (const socket of [fuzzer, friend, coordinator]) socket.close();
  };

  const fuzz = async (frames: number, random: RandomStream): Promise<PlaneReport> => {
    const [sent, expected, breather] = [new Tally(), new Tally(), new Breather()];
    const good = Math.ceil(frames / 10);
    let arrived = 0;
    const over = new AbortController();
    const receiving = (async () => {
      // Both say 'stopped' last.
      let open = 2;
      for await (const { peer, message } of coordinator.messages(over.signal)) {
        if (message.kind === 'stopped' && message.id === good && --open === 0) return;
        if (peer === FRIEND && message.kind === 'doing' && message.step === arrived) arrived++;
      }
    })();
    const sending = (async () => {
      for (let step = 0; step < good; step++) {
        await friend.send({ kind: 'doing', step, action: '2F0' });
        if (step % 32 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await friend.send({ kind: 'stopped', id: good });
    })();
    for (let i = 0; i < frames; i++) {
      const { what, frames: bad } = badMessage(random);
      sent.add(what);
      expected.add('malformed');
      await fuzzer.send(bad);
      await breather.breathe();
    }
    await sending;
    await fuzzer.send(packLoosely({ kind: 'stopped', id: good }));
    await receiving;
    return { sent: sent.all, refused: { ...coordinator.counters }, expected: expected.all, arrived, good };
  };
  return { endpoint, fuzz, close };
}

/** A message that does not parse, whatever is drawn. */
function badMessage(random: RandomStream): { what: string; frames: Uint8Array[] } {
  for (;;) {
    const what = damages[random.integer(damages.length)]!;
    const frames = damaged({ fields: replies[random.integer(replies.length)]!, rest: [] }, what, random);
    if (decodeControl(frames, replySchema).kind === 'malformed') return { what, frames };
  }
}
