import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { serveHost } from '../../../src/coordinator/agent/agent.ts';
import type { AgentEvent } from '../../../src/coordinator/agent/slot.ts';
import { Fleet } from '../../../src/coordinator/fleet/fleet.ts';
import { waitForHosts } from '../../../src/coordinator/hosts.ts';
import { readKeyFile, writeKeyFiles } from '../../../src/transport/keyFile.ts';
import { leftOf, until } from '../../support/processes.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const timeout = 30_000;
const folder = temporaryFolder();
const keys = writeKeyFiles(join(folder, 'keys'), { force: false });
const door = { address: { host: '127.0.0.1' } };
/** Nothing is found out by silence here. */
const heartbeatMilliseconds = 1_000_000;

interface Gathered {
  readonly fleet: Fleet;
  /** Stops the run, as Ctrl-C does. */
  readonly run: AbortController;
  readonly agent: {
    readonly ended: Promise<unknown>;
    readonly stop: AbortController;
    readonly events: AgentEvent[];
  };
}

const open: Gathered[] = [];
afterEach(async () => {
  for (const { fleet, agent } of open.splice(0)) {
    agent.stop.abort(new Error('the test is over'));
    await agent.ended;
    await fleet.close();
  }
});

/** A coordinator, and a host whose workers have come to it. */
async function gather(workers = 1): Promise<Gathered> {
  const [run, stop, events] = [new AbortController(), new AbortController(), [] as AgentEvent[]];
  const fleet = await Fleet.open({ signal: run.signal, door, heartbeatMilliseconds });
  const report = (event: AgentEvent): void => void events.push(event);
  const options = { coordinator: fleet.doorstep!, workers, threads: 1, wait: 20, signal: stop.signal, report };
  const ended = serveHost(options).then(
    () => 'well',
    (error: unknown) => error,
  );
  open.push({ fleet, run, agent: { ended, stop, events } });
  await waitForHosts(fleet, { door, count: 1, wait: 20 });
  return open.at(-1)!;
}

const pidsOf = ({ agent }: Gathered): number[] =>
  agent.events.flatMap((event) => (event.kind === 'started' ? [event.pid] : []));

test('a host ends well with the run, with all of its processes', { timeout }, async () => {
  const all = await gather(2);
  await all.fleet.close();
  expect(await all.agent.ended).toBe('well');
  expect(await leftOf(pidsOf(all), 0)).toEqual([]);
});

test('a host is told at once that the run has failed, and with what', { timeout }, async () => {
  const { fleet, agent } = await gather();
  await fleet.close({ kind: 'failed', problem: 'the loss is NaN' });
  expect(await agent.ended).toMatchObject({
    name: 'RunEndedError',
    interrupted: false,
    message: 'the run has ended: the loss is NaN',
  });
});

test('a host is told at once that somebody has stopped the run', { timeout }, async () => {
  const { fleet, run, agent } = await gather();
  run.abort(new Error('stopped by SIGTERM'));
  await fleet.close();
  expect(await agent.ended).toMatchObject({
    interrupted: true,
    message: 'the run has ended: stopped by SIGTERM; start this again when the run goes on',
  });
});

test('a host that is stopped says so, and its processes end', { timeout }, async () => {
  const all = await gather();
  const { fleet, agent } = all;
  const [member] = fleet.idle;
  fleet.seat([member!]);
  const failed = new Promise((resolve) => fleet.ended.addEventListener('abort', () => resolve(fleet.failure)));
  agent.stop.abort(new Error('stopped by SIGTERM'));
  expect(await failed).toMatchObject({
    peer: 'worker 0',
    cause: { name: 'LeftError', message: expect.stringMatching(/^lamp worker on .* has ended: stopped by SIGTERM$/) },
  });
  expect(fleet.hasLeft(member!.id)).toBe(true);
  expect(await agent.ended).toMatchObject({ message: 'stopped by SIGTERM' });
  expect(await leftOf(pidsOf(all), 0)).toEqual([]);
});

test('a process that is killed is missed at once, and another comes in its place', { timeout }, async () => {
  const all = await gather();
  const { fleet } = all;
  const [member] = fleet.idle;
  fleet.seat([member!]);
  const failed = new Promise((resolve) => fleet.ended.addEventListener('abort', () => resolve(fleet.failure)));
  process.kill(pidsOf(all)[0]!, 'SIGKILL');
  expect(await failed).toMatchObject({
    cause: { name: 'LeftError', message: expect.stringContaining('SIGKILL') },
  });
  expect(fleet.hasLeft(member!.id)).toBe(false);
  expect(await fleet.regroup()).toEqual(['worker 0']);
  while (fleet.idle.length === 0) await fleet.arrival(20_000);
  expect(fleet.idle[0]!.host!.replaces).toBe(member!.id);
});

test('a host that is of no use is turned away, and told why', { timeout }, async () => {
  const { fleet, agent } = await gather();
  fleet.seat([...fleet.idle]);
  await fleet.turnAway('worker 0', 'it does not see the folder');
  expect(fleet.has('worker 0')).toBe(false);
  expect(await agent.ended).toMatchObject({
    name: 'RefusedError',
    message: `the coordinator at ${fleet.doorstep!} and this worker cannot work together: it does not see the folder`,
  });
});

const secured = (port?: number): Parameters<typeof Fleet.open>[0] => ({
  door: {
    address: { host: '127.0.0.1', ports: port === undefined ? undefined : { from: port, to: port } },
    known: readKeyFile(keys.coordinator.file, 'coordinator'),
  },
  signal: new AbortController().signal,
});

async function serveWith(coordinator: string, file: string): Promise<unknown> {
  const { signal } = new AbortController();
  try {
    await serveHost({ coordinator, keys: file, workers: 1, threads: 1, wait: 20, signal, report: () => {} });
    return 'well';
  } catch (error) {
    return error;
  }
}

test('a host with other keys is not let in, and is told so', { timeout }, async () => {
  const others = writeKeyFiles(join(folder, 'others'), { force: false });
  const fleet = await Fleet.open(secured());
  try {
    expect(await serveWith(fleet.doorstep!, others.worker.file)).toMatchObject({
      name: 'RefusedError',
      message: expect.stringContaining('one of the two has not the key that the other expects'),
    });
    expect(fleet.idle).toEqual([]);
  } finally {
    await fleet.close();
  }
});

test(
  'a host with keys may come first, where something takes connections and breaks them off',
  { timeout },
  async () => {
    let taken = 0;
    const forwarder = createServer((socket) => void (taken++, socket.destroy())).listen(0, '127.0.0.1');
    await until(() => forwarder.listening);
    const { port } = forwarder.address() as AddressInfo;
    const ended = serveWith(`tcp://127.0.0.1:${port}`, keys.worker.file);
    await until(() => taken >= 8);
    await new Promise((resolve) => forwarder.close(resolve));
    const fleet = await Fleet.open(secured(port));
    try {
      await waitForHosts(fleet, { door, count: 1, wait: 20 });
    } finally {
      await fleet.close();
    }
    expect(await ended).toBe('well');
  },
);
