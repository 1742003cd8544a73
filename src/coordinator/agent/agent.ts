import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { lampVersion } from '../../config/version.ts';
import { readKeyFile } from '../../transport/keyFile.ts';
import { onAbort } from '../../transport/onAbort.ts';
import { parseEndpoint, parsePorts } from '../../transport/listenAddress.ts';
import { assignDevices, memoryOf, visibleGpus } from '../devices.ts';
import { Slot, type AgentEvent } from './slot.ts';

export interface AgentOptions {
  readonly coordinator: string;
  readonly keys?: string | undefined;
  /** Processes; one for each GPU unless given, or one where there is none. */
  readonly workers?: number | undefined;
  readonly listen?: string | undefined;
  readonly ports?: string | undefined;
  readonly advertise?: string | undefined;
  /** Of each process; its share of the cores unless given. */
  readonly threads?: number | undefined;
  /** Seconds for which the coordinator may not answer. */
  readonly wait: number;
  readonly report: (event: AgentEvent) => void;
  readonly signal: AbortSignal;
}

/**
 * Gives this host's devices to a run whose coordinator is somewhere else: a worker process for each, started anew where it dies.
 * Resolves when the run has ended well; throws the first reason for which one of them cannot take part or the run ended otherwise,
 * or the signal's.
 */
export async function serveHost(options: AgentOptions): Promise<void> {
  const { coordinator, keys, listen, ports, advertise, threads, wait, report } = options;
  parseEndpoint(coordinator);
  const joining = {
    ...{ keys: keys === undefined ? undefined : resolve(keys), listen, advertise },
    ports: ports === undefined ? undefined : parsePorts(ports),
  };
  // What is wrong with them is better told before any process starts.
  if (joining.keys !== undefined) readKeyFile(joining.keys, 'worker');
  const gpus = await visibleGpus();
  const count = options.workers ?? Math.max(1, gpus.length);
  const devices = assignDevices(count, gpus, { name: 'auto', threads });
  const memory = await memoryOf(devices);
  const agent = randomUUID();
  // Whichever process hears first of the run's end hears it for all: another may just be starting anew.
  const over = new AbortController();
  const settled = onAbort(options.signal, () => over.abort(options.signal.reason));
  if (options.signal.aborted) over.abort(options.signal.reason);
  const { signal } = over;
  const slots = devices.map((device, number) => {
    const { gpu = null, threads: own } = device;
    const facts = { name: hostname(), agent, processes: count, gpu, threads: own, threadsGiven: threads !== undefined };
    const host = { ...facts, memory: memory[number]!, version: lampVersion() };
    return new Slot(number, { coordinator, joining, host, device, wait, report, signal });
  });
  const ended = new Error('the run has ended');
  try {
    await Promise.all(
      slots.map((slot) =>
        slot.serve().then(
          () => over.abort(ended),
          (error: unknown) => over.abort(error),
        ),
      ),
    );
  } finally {
    settled();
  }
  if (signal.reason !== ended) throw signal.reason;
}
