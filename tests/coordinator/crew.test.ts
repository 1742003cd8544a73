import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Crew } from '../../src/coordinator/crew.ts';
import type { HostFacts, Request } from '../../src/transport/protocol.ts';
import { parseEndpoint } from '../../src/transport/listenAddress.ts';
import { FakeWorker } from '../support/fakeWorker.ts';
import { until } from '../support/processes.ts';
import { Proxy } from '../support/proxy.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const folder = temporaryFolder();
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** Looks for the file as a worker does. */
const looks = (request: Request): object =>
  request.kind === 'look' && readFileSync(join(request.folder, request.file), 'utf8') !== request.words
    ? { problem: 'other words' }
    : {};
const looksElsewhere = (request: Request): object => (request.kind === 'look' ? { problem: 'no such file' } : {});

/** A run to which these have come: hosts of one process each. */
async function muster(
  hosts: readonly (Partial<HostFacts> & { answer?: (request: Request) => object })[],
): Promise<{ crew: Crew; workers: FakeWorker[]; come: typeof come }> {
  const workers: FakeWorker[] = [];
  const come = async (id: string, facts?: Partial<HostFacts>, answer = looks, at?: string): Promise<FakeWorker> => {
    const worker = await FakeWorker.come(at ?? endpoint, id, facts, answer);
    open.push(worker);
    return worker;
  };
  let endpoint = '';
  let arriving: Promise<unknown> = Promise.resolve();
  const note = (text: string): void => {
    endpoint ||= /listening at (\S+)/.exec(text)?.[1] ?? '';
    if (text.startsWith('listening'))
      arriving = (async () => {
        for (const [i, { answer, ...facts }] of hosts.entries()) workers.push(await come(`host ${i}`, facts, answer));
      })();
  };
  const crew = await Crew.muster({
    engine: { name: 'auto', threads: 3 },
    hosts: { door: { address: { host: '127.0.0.1' } }, count: hosts.length, wait: 10 },
    heartbeatMilliseconds: 1_000_000,
    signal: new AbortController().signal,
    note,
  });
  // First the one that says goodbye.
  open.unshift(crew);
  await arriving;
  return { crew, workers, come };
}

const hostsOf = (crew: Crew): unknown[] => crew.devices.map(({ elsewhere }) => elsewhere?.id);

describe('workers of other hosts', () => {
  it('compute with the threads that were given on their host, else with those of the run file', async () => {
    const { crew, workers } = await muster([{ threads: 2, threadsGiven: true }, { threads: 2 }]);
    await crew.seat(2);
    const threads = workers.map(({ asked }) =>
      asked.flatMap((each) => (each.kind === 'start' ? [each.engine.threads] : [])),
    );
    expect(threads).toEqual([[2], [3]]);
    expect(crew.devices.map((device) => device.threads)).toEqual([2, 3]);
  });

  it('are laid side by side where one lamp worker has started them, whatever their hosts are called', async () => {
    const { crew, come } = await muster([{ agent: 'a' }, { agent: 'b' }]);
    await come('second of a', { agent: 'a' });
    await until(() => crew.spares === 3);
    await crew.seat(3);
    expect(hostsOf(crew)).toEqual(['host 0', 'second of a', 'host 1']);
  });

  it('are replaced by the one that was started for that, though a spare is there', async () => {
    const { crew, workers, come } = await muster([{}, {}, {}]);
    await crew.seat(2);
    await workers[1]!.leave(true);
    await until(() => crew.fleet.failure !== undefined);
    expect(await crew.fleet.regroup()).toEqual(['worker 1']);
    const replaced = crew.replace(1, 20);
    await come('another of host 1', { replaces: 'host 1' });
    await replaced;
    expect(hostsOf(crew)).toEqual(['host 0', 'another of host 1']);
  });

  it('are replaced by a spare at once where they went for good', async () => {
    const { crew, workers } = await muster([{}, {}, {}]);
    await crew.seat(2);
    await workers[0]!.leave(false);
    await until(() => crew.fleet.failure !== undefined);
    await crew.fleet.regroup();
    await crew.replace(0, 1_000_000);
    expect(hostsOf(crew)).toEqual(['host 2', 'host 1']);
  });

  it("that do not see the run's folder end it before its first step, each told of", async () => {
    const { crew } = await muster([{}, { name: 'blind', answer: looksElsewhere }, { answer: looks }]);
    await crew.seat(3);
    await expect(crew.checkShared(folder)).rejects.toMatchObject({
      name: 'SharedFolderError',
      message: expect.stringMatching(
        /run's folder \/\S+, and it is not the same on all: worker 1 on blind: no such file\. Put it on .*--output$/,
      ),
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("that come later and do not see the run's folder are turned away, and the run goes on", async () => {
    const { crew, come } = await muster([{ answer: looks }]);
    await crew.seat(1);
    await crew.checkShared(folder);
    const late = await come('late', { name: 'blind' }, looksElsewhere);
    await until(() => crew.spares === 1);
    await crew.seat(2);
    const notes: string[] = [];
    expect(await crew.turnAwayBlind(folder, (text) => void notes.push(text))).toBe(1);
    expect(notes).toEqual([`blind cannot take part: it does not see the run's folder ${folder}: no such file`]);
    await until(() => late.asked.some(({ kind }) => kind === 'stop'));
    expect(late.asked.at(-1)).toMatchObject({ dismissal: { kind: 'refused' } });
    expect(crew.missing).toEqual([1]);
    crew.closeUp(['worker 0']);
    expect(await crew.turnAwayBlind(folder, () => {})).toBe(0);
    expect(crew.fleet.failure).toBeUndefined();
  });

  it('whose connection breaks for a moment are told afterwards what they were to be told, in order', async () => {
    const { crew, come } = await muster([{}]);
    const proxy = new Proxy({ host: '127.0.0.2', target: '127.0.0.1' });
    open.push(proxy);
    const port = await proxy.forward(0, parseEndpoint(crew.fleet.doorstep!).port);
    const worker = await come('behind it', {}, looks, `tcp://127.0.0.2:${port}`);
    await until(() => crew.spares === 2);
    await crew.seat(2);
    proxy.refuse();
    await until(() => proxy.connections === 0);
    // The coordinator's end hears of it a moment later; what it sends before is lost.
    await setTimeout(200);
    const replies = (['discard', 'abandon', 'discard'] as const).map((kind) =>
      crew.fleet.request('worker 1', kind, {}),
    );
    await setTimeout(300);
    proxy.heal();
    expect((await Promise.all(replies)).map(({ kind }) => kind)).toEqual(['discarded', 'abandoned', 'discarded']);
    const asked = worker.asked.map(({ kind }) => kind);
    expect(asked).toEqual(['welcome', 'start', 'discard', 'abandon', 'discard']);
  });

  it('of another version are refused at the door, and told what to do', async () => {
    const { crew, come } = await muster([{}]);
    const stranger = await come('stranger', { version: '0.0.1' });
    await until(() => stranger.asked.length > 0);
    expect(stranger.asked[0]).toMatchObject({
      kind: 'stop',
      dismissal: {
        kind: 'refused',
        problem: expect.stringMatching(
          /^it is LAMP 0\.0\.1 and the coordinator is \d+\.\d+\.\d+: install the same on all/,
        ),
      },
    });
    expect(crew.spares).toBe(1);
  });
});
