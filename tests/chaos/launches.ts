import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { HarmedLink } from '../support/faults.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { marked, markOf } from '../support/marked.ts';
import { Proxy } from '../support/proxy.ts';

export interface LaunchOptions {
  /** Of this run alone: all that it writes goes here, its temporary files too. */
  readonly folder: string;
  readonly runFile: string;
}

/** A run under way, as whoever harms it sees it. */
export interface Launched {
  /** The process that trains. */
  coordinator: LampProcess;
  /** Found by this, and with it all that was started, however it came loose. */
  readonly mark: string;
  readonly proxies: Readonly<Partial<Record<HarmedLink, Proxy>>>;
  /** Workers that were started by hand, where they were. */
  readonly joined: readonly LampProcess[];
}

export const temporaryIn = (folder: string): string => join(folder, 'tmp');
export const outputIn = (folder: string): string => join(folder, 'runs');

const environment = (folder: string, mark: string): Record<string, string> => ({
  ...markOf(mark),
  TMPDIR: temporaryIn(folder),
});

/** `lamp train` with processes of its own. */
export function launchHere({ folder, runFile }: LaunchOptions): Launched {
  mkdirSync(temporaryIn(folder), { recursive: true });
  const mark = randomUUID();
  const words = ['train', runFile, '--json', '--output', outputIn(folder)];
  return { coordinator: new LampProcess(words, environment(folder, mark)), mark, proxies: {}, joined: [] };
}

/** The same run, gone on with by another process. */
export function resume({ mark }: Launched, { folder, runFile }: LaunchOptions): LampProcess {
  const words = ['train', runFile, '--json', '--output', outputIn(folder), '--resume'];
  return new LampProcess(words, environment(folder, mark));
}

const [NEAR, CONTROL, DATA] = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;
const PORTS = 24;

/**
 * `lamp train` that waits for two `lamp worker`. All that goes between them, but for the loader's first link, passes a proxy:
 *
 *     worker ──▶ 127.0.0.2:P ──▶ 127.0.0.1:P   the coordinator           (control)
 *     worker ──▶ 127.0.0.3:A…B ──▶ 127.0.0.1:A…B   where workers listen  (data)
 */
export async function launchWithWorkers({ folder, runFile }: LaunchOptions): Promise<Launched> {
  mkdirSync(temporaryIn(folder), { recursive: true });
  const mark = randomUUID();
  const control = new Proxy({ host: CONTROL, target: NEAR });
  const data = new Proxy({ host: DATA, target: NEAR });
  const [port, ...ports] = await freePorts(PORTS + 1);
  await control.forward(port!);
  for (const each of ports) await data.forward(each);
  const listen = ['--listen', `tcp://${NEAR}:${port}`, '--hosts', '2'];
  const words = ['train', runFile, '--json', '--output', outputIn(folder), ...listen];
  const reach = ['--listen', NEAR, '--ports', `${ports[0]}-${ports.at(-1)}`, '--advertise', DATA];
  // As many threads as the run file gives to each: sums are taken in another order with more.
  const join = ['worker', '--coordinator', `tcp://${CONTROL}:${port}`, '--threads', '1', ...reach];
  return {
    coordinator: new LampProcess(words, environment(folder, mark)),
    mark,
    proxies: { control, data },
    joined: [0, 1].map(() => new LampProcess(join, environment(folder, mark))),
  };
}

/** So many ports in a row that nobody has just now. */
export async function freePorts(count: number): Promise<readonly number[]> {
  for (let first = 20_000 + (process.pid % 100) * 100; first < 60_000; first += count) {
    const ports = Array.from({ length: count }, (_, i) => first + i);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return ports;
  }
  throw new Error(`there are not ${count} free ports in a row`);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => {
      const taken = (server.address() as AddressInfo).port === port;
      server.close(() => resolve(taken));
    });
  });

/** Kills whatever is left of a run; returns what that was. */
export async function killLeft({ mark, proxies }: Launched): Promise<readonly string[]> {
  const left = marked(mark);
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
  return left.map(({ pid, title }) => `${pid} ${title}`);
}
