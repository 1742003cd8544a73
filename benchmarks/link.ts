import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Pull, Push } from 'zeromq';
import { DataInlet, DataOutlet } from '../src/transport/dataLink.ts';
import { transportEnvironment } from '../src/transport/environment.ts';
import { newKeyPair } from '../src/transport/keyPair.ts';
import { keyOf, type TensorAddress } from '../src/transport/tensorMessage.ts';

/*
 * How fast tensors go from one process to another.
 *
 * The data link, on this machine and with keys as between hosts, against bare sockets, over TCP and ipc, with the C library's allocator as it comes and as `transportEnvironment`
 * sets it. Interleaved rounds, medians.
 *
 *     npm run bench -- link [--mib 32] [--count 64] [--rounds 5]
 */

type Wire = 'link' | 'secured' | 'tcp' | 'ipc';
interface Place {
  readonly endpoint: string;
  /** The public one of who listens. */
  readonly key: string;
}
type Report = { seconds: number; peak: number; cpu: number };

const ALLOCATORS: Record<string, Record<string, string>> = {
  'as it comes': {},
  'trim, top pad': { MALLOC_TRIM_THRESHOLD_: String(2 ** 30), MALLOC_TOP_PAD_: String(2 ** 28) },
  recommended: transportEnvironment(),
};

const HIGH_WATER_MARK = 2;
const RUN = 'benchmark';
const never = new AbortController().signal;
const addressOf = (microBatch: number): TensorAddress => ({ kind: 'activation', step: 0, microBatch, stage: 1 });

/** A fresh array for every message, written once, as the engine's `read` gives. */
const fresh = (bytes: number, value: number): Float32Array => new Float32Array(bytes / 4).fill(value);

const sendAll = async (wire: Wire, { endpoint, key }: Place, bytes: number, count: number): Promise<void> => {
  if (wire === 'link' || wire === 'secured') {
    const security = wire === 'secured' ? { keys: newKeyPair(), serverKey: key } : undefined;
    const outlet = DataOutlet.connect({ endpoint, security, to: 'receiver', highWaterMark: HIGH_WATER_MARK, run: RUN });
    for (let i = 0; i < count; i++) await outlet.send({ ...addressOf(i), shape: [bytes / 4] }, fresh(bytes, i), never);
    await once(process, 'message');
    return outlet.close();
  }
  const socket = new Push({ sendHighWaterMark: HIGH_WATER_MARK, linger: 0 });
  socket.connect(endpoint);
  for (let i = 0; i < count; i++) await socket.send(new Uint8Array(fresh(bytes, i).buffer));
  await once(process, 'message');
  return socket.close();
};

/** Each message is copied once, as it is on its way into a tensor. */
const receiveAll = async (wire: Wire, bytes: number, count: number): Promise<number> => {
  const sink = new Uint8Array(bytes);
  let began = 0;
  const take = (i: number, message: Uint8Array): void => {
    if (i === 0) began = performance.now();
    sink.set(message);
  };
  if (wire === 'link' || wire === 'secured') {
    const keys = newKeyPair();
    const guarded = wire === 'secured' ? { at: { host: '127.0.0.1' }, security: { keys, admits: () => true } } : {};
    const inlet = await DataInlet.bind({ ...guarded, from: 'sender', highWaterMark: HIGH_WATER_MARK, run: RUN });
    process.send!({ endpoint: inlet.endpoint, key: keys.publicKey });
    for (let i = 0; i < count; i++)
      take(i, new Uint8Array((await inlet.receive(keyOf(addressOf(i)), never)).values.buffer));
    inlet.close();
  } else {
    const socket = new Pull({ receiveHighWaterMark: HIGH_WATER_MARK, linger: 0 });
    // An abstract name: it lives in the kernel and leaves no file.
    await socket.bind(wire === 'tcp' ? 'tcp://127.0.0.1:*' : `ipc://@lamp-benchmark-${process.pid}`);
    process.send!({ endpoint: socket.lastEndpoint, key: '' });
    for (let i = 0; i < count; i++) take(i, (await socket.receive())[0]!);
    socket.close();
  }
  return (performance.now() - began) / 1000;
};

const reply = async (child: ChildProcess): Promise<unknown> => (await once(child, 'message'))[0];

const round = async (wire: Wire, env: Record<string, string>, bytes: number, count: number): Promise<Report[]> => {
  const start = (role: string): ChildProcess => {
    const args = ['--role', role, '--wire', wire, '--bytes', String(bytes), '--count', String(count)];
    return fork(fileURLToPath(import.meta.url), args, { env: { ...process.env, ...env } });
  };
  const receiver = start('receive');
  const receiverGone = once(receiver, 'exit');
  const place = await reply(receiver);
  const sender = start('send');
  const senderGone = once(sender, 'exit');
  sender.send(place as Place);
  const received = (await reply(receiver)) as Report;
  sender.send('done');
  const sent = (await reply(sender)) as Report;
  await Promise.all([receiverGone, senderGone]);
  return [received, sent];
};

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const compare = async (mib: number, count: number, rounds: number): Promise<void> => {
  const bytes = mib * 2 ** 20;
  const cases = Object.entries(ALLOCATORS).flatMap(([allocator, env]) =>
    (['link', 'secured', 'tcp', 'ipc'] as const).map((wire) => ({
      wire,
      allocator,
      env,
      speeds: [] as number[],
      cpu: [] as number[],
      peaks: [0, 0],
    })),
  );
  for (let i = 0; i < rounds; i++)
    for (const item of cases) {
      const [received, sent] = await round(item.wire, item.env, bytes, count);
      item.speeds.push(((count - 1) * mib) / 1024 / received!.seconds);
      item.cpu.push(((received!.cpu + sent!.cpu) / (count * mib)) * 1024);
      item.peaks = [Math.max(item.peaks[0]!, received!.peak), Math.max(item.peaks[1]!, sent!.peak)];
    }
  console.log(`${count} messages of ${mib} MiB, median of ${rounds} rounds (range); peak resident receiver / sender`);
  for (const { wire, allocator, speeds, cpu, peaks } of cases) {
    const range = `${Math.min(...speeds).toFixed(2)}–${Math.max(...speeds).toFixed(2)}`;
    const memory = peaks.map((peak) => Math.round(peak)).join(' / ');
    console.log(
      `${wire.padEnd(7)} ${allocator.padEnd(14)} ${median(speeds).toFixed(2)} GiB/s (${range})  ${median(cpu).toFixed(2)} CPU s/GiB  ${memory} MiB`,
    );
  }
};

const { values } = parseArgs({
  options: {
    role: { type: 'string', default: 'compare' },
    wire: { type: 'string', default: 'link' },
    bytes: { type: 'string', default: '0' },
    mib: { type: 'string', default: '32' },
    count: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '5' },
  },
});
const report = (seconds: number): Report => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  return { seconds, peak: maxRSS / 1024, cpu: (userCPUTime + systemCPUTime) / 1e6 };
};
const wire = values.wire as Wire;

if (values.role === 'compare') await compare(Number(values.mib), Number(values.count), Number(values.rounds));
else if (values.role === 'receive') {
  const seconds = await receiveAll(wire, Number(values.bytes), Number(values.count));
  process.send!(report(seconds));
  process.disconnect();
} else {
  const [place] = (await once(process, 'message')) as [Place];
  await sendAll(wire, place, Number(values.bytes), Number(values.count));
  process.send!(report(0));
  process.disconnect();
}
