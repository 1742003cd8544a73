import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { lampVersion } from '../../config/version.ts';
import { readKeyFile } from '../../transport/keyFile.ts';
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
 * Resolves when the run has ended; throws the first reason for which one of them cannot take part, or the signal's.
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
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const slots = devices.map((device, number) => {
    const { gpu = null, threads: own } = device;
    const facts = { name: hostname(), agent, processes: count, gpu, threads: own, memory: memory[number]! };
    const host = { ...facts, version: lampVersion() };
    return new Slot(number, { coordinator, joining, host, device, wait, report, signal });
  });
  await Promise.all(
    slots.map(async (slot) => {
      try {
        await slot.serve();
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    }),
  );
}
