import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { makeHosts, whyNoHosts, type NetworkHost, type NetworkHosts } from './namespaces.ts';
import { until } from './processes.ts';
import { Proxy } from './proxy.ts';

const why = whyNoHosts();
let net: NetworkHosts | undefined;
let proxy: Proxy | undefined;

afterEach(async () => {
  await proxy?.close();
  await net?.remove();
  [net, proxy] = [undefined, undefined];
});

const PORT = 7000;
const serves = `require('net').createServer((s) => s.on('data', (d) => s.end('heard ' + d))).listen(${PORT}, '0.0.0.0')`;
const asks = (address: string): string =>
  `const s = require('net').connect(${PORT}, '${address}', () => s.write('hello'));` +
  `s.on('error', (e) => console.log(e.code)); s.on('data', (d) => console.log(String(d))); s.setTimeout(2000, () => s.destroy());`;

/** What a host hears from an address. */
async function heard(host: NetworkHost, address: string): Promise<string> {
  const child = net!.spawn(host, process.execPath, ['-e', asks(address)], { stdio: ['ignore', 'pipe', 'inherit'] });
  return (await text(child.stdout!)).trim();
}

async function serving(): Promise<readonly NetworkHost[]> {
  net = makeHosts(2);
  const [one, other] = net.hosts;
  net.spawn(one!, process.execPath, ['-e', serves], { stdio: 'ignore' });
  await until(() =>
    execFileSync('ip', ['netns', 'exec', one!.name, 'ss', '-ltn'], { encoding: 'utf8' }).includes('7000'),
  );
  return [one!, other!];
}

const leftOver = (): string =>
  execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }) + execFileSync('ip', ['link'], { encoding: 'utf8' });

describe.skipIf(why !== undefined)(`hosts on one machine${why ? ` (${why})` : ''}`, () => {
  test('hear of each other through a proxy on the near end of the cable and in no other way', async () => {
    const [one, other] = await serving();
    expect(await heard(other!, one!.address)).not.toContain('heard');
    proxy = new Proxy({ host: one!.gateway, target: one!.address });
    await proxy.forward(PORT);
    expect(await heard(other!, one!.gateway)).toBe('heard hello');
  });

  test('hear nothing while the cable is pulled, and something again when it is put back', async () => {
    const [one, other] = await serving();
    proxy = new Proxy({ host: one!.gateway, target: one!.address });
    await proxy.forward(PORT);
    net!.cut(other!);
    expect(await heard(other!, one!.gateway)).not.toContain('heard');
    net!.join(other!);
    expect(await heard(other!, one!.gateway)).toBe('heard hello');
  });

  test('are gone with all that ran on them', async () => {
    const [one] = await serving();
    const child = net!.spawn(one!, process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await until(() => net!.pids(one!).includes(child.pid!));
    const ended = once(child, 'exit');
    expect(await net!.remove()).toContain(child.pid);
    expect((await ended)[1]).toBe('SIGKILL');
    expect(leftOver()).not.toContain(one!.name);
    expect(leftOver()).not.toContain(one!.cable);
  });
});
