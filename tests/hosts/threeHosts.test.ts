import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { enginesDirectory } from '../../src/engine/install/location.ts';
import { parseProfile } from '../../src/partition/profile.ts';
import { writeKeyFiles } from '../../src/transport/keyFile.ts';
import { killLeft } from '../chaos/launches.ts';
import { outcomeOf, type Outcome } from '../chaos/outcome.ts';
import { smallNet, writeSmallNet } from '../chaos/smallNet.ts';
import { LampProcess } from '../support/lampProcess.ts';
import { markOf } from '../support/marked.ts';
import { makeHosts, whyNoHosts, type NetworkHost, type NetworkHosts } from '../support/namespaces.ts';
import { until } from '../support/processes.ts';
import { Proxy, type LinkLimits } from '../support/proxy.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

/*
 * A coordinator on one host, workers on two others, a stranger on the third of the four cables: real addresses, keys, and every
 * byte between hosts through proxies that make it late and slow.
 */

const why = whyNoHosts();
const folder = temporaryFolder();
const mark = `hosts-${process.pid}`;
const CONTROL = 7700;
const PORTS = Array.from({ length: 16 }, (_, i) => 7800 + i);
const keys = writeKeyFiles(join(folder, 'keys'), { force: false });

let net: NetworkHosts;
let proxies: Proxy[];
let local: Outcome;
const started: LampProcess[] = [];

describe.skipIf(why !== undefined)(`three hosts${why ? ` (${why})` : ''}`, () => {
  beforeAll(async () => {
    await writeSmallNet(folder);
    const alone = lamp(undefined, ['train', join(folder, 'run.yaml'), '--output', outputOf('local'), '--json']);
    net = makeHosts(4);
    proxies = net.hosts.map(({ gateway, address }) => new Proxy({ host: gateway, target: address }));
    await proxies[0]!.forward(CONTROL);
    for (const proxy of proxies.slice(1)) for (const port of PORTS) await proxy.forward(port);
    if ((await alone.ended) !== 0) throw new Error(alone.err);
    local = outcomeOf(join(outputOf('local'), smallNet.name));
  }, 120_000);

  afterAll(async () => {
    await killLeft({ coordinator: started[0]!, mark, proxies: {}, joined: [] });
    await Promise.all(started.map(({ ended }) => ended));
    for (const proxy of proxies ?? []) await proxy.close();
    await net?.remove();
  });

  test(
    'end as one does, over links that are late and slow, and a stranger gets nothing',
    { timeout: 120_000 },
    async () => {
      limit({ milliseconds: 2, bytesPerSecond: 5_000_000 });
      const coordinator = train('far');
      const stranger = lamp(net.hosts[3], [...worker(net.hosts[3]!), '--wait', '8']);
      const workers = [1, 2].map((host) => joinFrom(net.hosts[host]!));
      expect(await coordinator.ended, coordinator.err).toBe(0);
      for (const each of workers) expect(await each.ended, each.err).toBe(0);
      expect(outcomeOf(join(outputOf('far'), smallNet.name))).toEqual(local);
      expect(await stranger.ended).toBe(1);
      expect(stranger.events('seated')).toEqual([]);
      expect(proxies.slice(0, 3).every((proxy) => proxy.forwarded > 10_000)).toBe(true);
      expect(proxies[3]!.forwarded).toBe(0);
    },
  );

  test('are measured, and the plan is made with what the links are', { timeout: 120_000 }, async () => {
    limit({ milliseconds: 10, bytesPerSecond: 40_000_000 });
    const cache = join(folder, 'cache');
    mkdirSync(cache);
    symlinkSync(enginesDirectory(), enginesDirectory(cache));
    const { balance: _, ...pipeline } = smallNet.pipeline;
    const file = join(folder, 'measured.yaml');
    writeFileSync(file, stringify({ ...smallNet, pipeline, training: { ...smallNet.training, epochs: 1 } }));
    const coordinator = train('measured', file, { LAMP_CACHE: cache });
    const workers = [1, 2].map((host) => joinFrom(net.hosts[host]!));
    expect(await coordinator.ended, coordinator.err).toBe(0);
    for (const each of workers) expect(await each.ended, each.err).toBe(0);

    const [profile] = readdirSync(join(cache, 'profiles')).map((name) => join(cache, 'profiles', name));
    const { links } = parseProfile(readFileSync(profile!, 'utf8'), profile!);
    expect(links.map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [1, 0],
    ]);
    for (const link of links) {
      expect(link.latency).toBeGreaterThan(9);
      expect(link.bytes_per_ms).toBeLessThan(60_000);
    }
    // An image goes there and its gradient comes back, at the least.
    const plan = lamp(undefined, ['plan', file, '--profile', profile!]);
    expect(await plan.ended, plan.err).toBe(0);
    expect(Number(/a step takes ([\d.]+) ms/.exec(plan.out)?.[1])).toBeGreaterThan(18);
  });

  test('go on when a cable was pulled in the middle and put back', { timeout: 120_000 }, async () => {
    limit({});
    const coordinator = train('cut');
    const workers = [1, 2].map((host) => joinFrom(net.hosts[host]!));
    await until(() => coordinator.events<{ step: number }>('step').some(({ step }) => step >= 9), 60_000);
    net.cut(net.hosts[2]!);
    await until(() => coordinator.events('failed').length > 0);
    net.join(net.hosts[2]!);
    expect(await coordinator.ended, coordinator.err).toBe(0);
    for (const each of workers) expect(await each.ended, each.err).toBe(0);
    expect(coordinator.events('recovered').length).toBeGreaterThan(0);
    expect(outcomeOf(join(outputOf('cut'), smallNet.name))).toEqual(local);
  });
});

const outputOf = (title: string): string => join(folder, 'runs', title);

const limit = (limits: LinkLimits): void => {
  for (const proxy of proxies) proxy.limit(limits);
};

/** On a host, or on this machine as it is. */
function lamp(
  host: NetworkHost | undefined,
  words: readonly string[],
  environment: Record<string, string> = {},
): LampProcess {
  const process = new LampProcess(
    words,
    { ...markOf(mark), ...environment },
    host && ['ip', 'netns', 'exec', host.name],
  );
  started.push(process);
  return process;
}

function train(title: string, file = join(folder, 'run.yaml'), environment?: Record<string, string>): LampProcess {
  const listen = [
    '--listen',
    `tcp://${net.hosts[0]!.address}:${CONTROL}`,
    '--hosts',
    '2',
    '--keys',
    keys.coordinator.file,
  ];
  return lamp(net.hosts[0], ['train', file, '--output', outputOf(title), '--json', ...listen], environment);
}

const worker = (host: NetworkHost): string[] => [
  ...['worker', '--coordinator', `tcp://${net.hosts[0]!.gateway}:${CONTROL}`, '--threads', '1', '--json'],
  ...['--listen', host.address, '--ports', `${PORTS[0]}-${PORTS.at(-1)}`, '--advertise', host.gateway],
];

const joinFrom = (host: NetworkHost): LampProcess => lamp(host, [...worker(host), '--keys', keys.worker.file]);
