import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Push } from 'zeromq';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StoredTensor } from '../../src/checkpoint/safetensors.ts';
import { writeKeyFiles } from '../../src/transport/keyFile.ts';
import { encode } from '../../src/transport/tensorMessage.ts';
import { smallRun, writeRun } from '../support/dataset.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { childrenOf, leftOf, until } from '../support/processes.ts';
import { differenceOf } from '../support/replay.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { ended, lastWeights, lossesOf, metricsOf, workersOf } from '../support/trained.ts';

const folder = temporaryFolder();
const timeout = 120_000;
const keys = writeKeyFiles(join(folder, 'keys'), { force: false });
const others = writeKeyFiles(join(folder, 'other-keys'), { force: false });
const runFolder = (name: string): string => join(folder, 'runs', name);
let runFile: string;
let local: { losses: ReturnType<typeof lossesOf>; weights: ReadonlyMap<string, StoredTensor> };

/** Twenty steps on two workers, cut the same way wherever they are. */
const run = {
  ...smallRun(),
  training: { epochs: 5, batch_size: 2, validate_every: 5 },
  pipeline: { workers: 2, micro_batches: 2, balance: [7, 5] },
  recovery: { snapshot_every: 2, heartbeat: 4, backoff: 0.1, wait: 10 },
};

beforeAll(async () => {
  await writeRun(folder);
  runFile = join(folder, 'hosts.yaml');
  writeFileSync(runFile, stringify(run));
  const lamp = train('local');
  await ended(lamp);
  local = { losses: lossesOf(runFolder('local')), weights: await lastWeights(runFolder('local')) };
}, timeout);

const started: LampProcess[] = [];
afterEach(async () => {
  for (const lamp of started.splice(0)) {
    if (childrenOf(process.pid).some(({ pid }) => pid === lamp.pid)) lamp.kill('SIGKILL');
    await lamp.ended;
  }
});

function train(name: string, words: readonly string[] = []): LampProcess {
  const lamp = new LampProcess([
    'train',
    runFile,
    '--name',
    name,
    '--output',
    join(folder, 'runs'),
    '--json',
    ...words,
  ]);
  started.push(lamp);
  return lamp;
}

/** Of a run whose workers are elsewhere. */
const elsewhere = (port: number, hosts = 2, own: string | null = keys.coordinator.file): string[] => [
  ...['--listen', `tcp://127.0.0.1:${port}`, '--hosts', `${hosts}`, '--join-wait', '30'],
  ...(own === null ? [] : ['--keys', own]),
];

function worker(port: number, own: string | null = keys.worker.file, words: readonly string[] = []): LampProcess {
  const flags = ['--coordinator', `tcp://127.0.0.1:${port}`, '--threads', '1', '--json', '--wait', '20', ...words];
  mkdirSync(join(folder, 'worker-tmp'), { recursive: true });
  const environment = { TMPDIR: join(folder, 'worker-tmp') };
  const lamp = new LampProcess(['worker', ...flags, ...(own === null ? [] : ['--keys', own])], environment);
  started.push(lamp);
  return lamp;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const stepped = (lamp: LampProcess, step: number): Promise<void> =>
  until(() => (lamp.events<{ step: number }>('step').at(-1)?.step ?? 0) >= step, 60_000);

async function expectAsLocal(name: string, lamp: LampProcess): Promise<void> {
  expect([await lamp.ended, lamp.err]).toEqual([0, '']);
  expect(lossesOf(runFolder(name))).toEqual(local.losses);
  expect(differenceOf(await lastWeights(runFolder(name)), local.weights)).toBe(0);
}

/** Sends a tensor of another run to whoever listens at these ports. */
function intrude(ports: readonly number[]): Push[] {
  const rules = { link: 'anybody', run: 'another', maxBytes: 4 };
  const address = { kind: 'activation', step: 0, microBatch: 0, stage: 0, shape: [1] } as const;
  return ports.map((port) => {
    const socket = new Push({ linger: 0 });
    socket.connect(`tcp://127.0.0.1:${port}`);
    void socket.send(encode(address, new Float32Array(1), rules)).catch(() => {});
    return socket;
  });
}

describe('workers that come from elsewhere', () => {
  it(
    'by keys train as those of this machine do, bit for bit, and end with the run; strangers do not',
    { timeout },
    async () => {
      const port = await freePort();
      const lamp = train('keys', elsewhere(port));
      const stranger = worker(port, others.worker.file);
      const unkeyed = worker(port, null, ['--wait', '3']);
      // They are told so at once, and not when the run is over.
      expect(await stranger.ended).toBe(1);
      expect(stranger.err).toContain('cannot work together');
      expect(await unkeyed.ended).toBe(1);
      const workers = [worker(port), worker(port)];
      await expectAsLocal('keys', lamp);
      expect(metricsOf(runFolder('keys'), 'refused')).toMatchObject([
        { process: 'coordinator', step: 1, reasons: { handshake: expect.any(Number) } },
      ]);
      expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0]);
      const roles = workers.flatMap((each) => each.events<{ role: string }>('seated').map(({ role }) => role));
      expect(roles.toSorted()).toEqual(['worker 0', 'worker 1']);
      // All hosts see the run's folder, and nobody finds a secret in it, or in what was said.
      const files = readdirSync(runFolder('keys'), { recursive: true, withFileTypes: true }).filter((file) =>
        file.isFile(),
      );
      const written = files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')).join('\n');
      const said = [lamp, stranger, ...workers].map(({ out, err }) => out + err).join('\n');
      for (const { file } of Object.values(keys)) {
        const [, secret] = /secret_key: (.*)/.exec(readFileSync(file, 'utf8'))!;
        expect((written + said).includes(secret!)).toBe(false);
      }
      const logs = readdirSync(join(runFolder('keys'), 'logs'));
      expect(logs).toEqual(expect.arrayContaining(['coordinator.jsonl', 'worker-0.jsonl', 'worker-1.jsonl']));
    },
  );

  it(
    'may be two of one host, without keys on loopback; one that is killed is started anew, as if nothing had happened',
    { timeout },
    async () => {
      const lamp = train('open', elsewhere(0, 1, null));
      // Any port that is free: it says which.
      const told = (): string | undefined =>
        lamp.events<{ text: string }>('note').map(({ text }) => /^listening at \S+:(\d+) for/.exec(text)?.[1])[0];
      await until(() => told() !== undefined);
      const agent = worker(Number(told()), null, ['--workers', '2', '--ports', '42000-42023']);
      await stepped(lamp, 1);
      const another = intrude(Array.from({ length: 24 }, (_, i) => 42000 + i));
      await stepped(lamp, 5);
      process.kill(workersOf(lamp)[1]!.pid, 'SIGKILL');
      await expectAsLocal('open', lamp);
      for (const socket of another) socket.close();
      // What is of another run is dropped, and counted.
      const refused = metricsOf<{ process: string; reasons: object }>(runFolder('open'), 'refused');
      expect(refused).toContainEqual(
        expect.objectContaining({ process: 'worker 0', reasons: { run: expect.any(Number) } }),
      );
      expect(await agent.ended).toBe(0);
      expect(agent.events('restarting')).toHaveLength(1);
      expect(lamp.events<{ problem: string }>('failed').map(({ problem }) => problem)).toEqual([
        expect.stringContaining('its process was killed (SIGKILL)'),
      ]);
    },
  );

  it(
    'whose host is lost are done without; one that comes later is taken in, and told when the run is stopped',
    { timeout },
    async () => {
      const port = await freePort();
      const agents = [worker(port), worker(port)];
      // More than it comes to.
      const lamp = train('lost', [...elsewhere(port), '--set', 'recovery.wait=0', '--set', 'training.epochs=1000']);
      await stepped(lamp, 21);
      const seated = agents.find((agent) => agent.events<{ role: string }>('seated').at(-1)?.role === 'worker 1')!;
      seated.press('SIGKILL');
      await until(() => lamp.events('recovered').length >= 1, 90_000);
      expect(workersOf(lamp)).toHaveLength(1);
      const late = worker(port);
      await until(() => workersOf(lamp).length === 2, 90_000);
      lamp.kill('SIGTERM');
      expect(await lamp.ended).toBe(75);
      expect([await late.ended, late.err]).toEqual([
        75,
        expect.stringContaining('the run has ended: stopped by SIGTERM'),
      ]);
      const losses = lossesOf(runFolder('lost')).slice(0, 20);
      for (const [index, [, loss]] of losses.entries()) expect(loss).toBeCloseTo(local.losses[index]![1], 3);
    },
  );

  it('end when the coordinator is gone, and their processes with them', { timeout }, async () => {
    const port = await freePort();
    const agents = [worker(port, null, ['--wait', '3']), worker(port, null, ['--wait', '3'])];
    const lamp = train('gone', [...elsewhere(port, 2, null), '--set', 'recovery.heartbeat=2']);
    await stepped(lamp, 3);
    const pids = agents.flatMap((agent) => [agent.pid, ...childrenOf(agent.pid).map(({ pid }) => pid)]);
    lamp.kill('SIGKILL');
    expect(await leftOf(pids, 40_000)).toEqual([]);
    expect(await Promise.all(agents.map(({ ended }) => ended))).toEqual([1, 1]);
    expect(agents[0]!.err).toContain(`no answer from a coordinator at tcp://127.0.0.1:${port}`);
  });
});

describe('a stranger', () => {
  it('is kept out by refusing to listen beyond this machine without keys', { timeout }, async () => {
    const words = ['--listen', 'tcp://0.0.0.0:7', '--hosts', '1'];
    const lamp = train('refused', words);
    expect(await lamp.ended).toBe(2);
    expect(lamp.err).toContain('will not listen on 0.0.0.0 without keys');
  });
});
