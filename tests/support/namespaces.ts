import { execFileSync, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/*
 * Several hosts on one machine: network namespaces, each with one cable (a veth pair) to this process's own namespace.
 *
 *     host 0: 198.18.x.2 ──── 198.18.x.1 ┐
 *     host 1: 198.18.x.6 ──── 198.18.x.5 ├ this process: proxies listen on the near ends and forward to the far ones
 *     host 2: 198.18.x.10 ─── 198.18.x.9 ┘
 *
 * No packet is routed from one cable to another: hosts reach each other through the near ends alone, and so all that they say
 * to one another goes through the proxies. 198.18.0.0/15 is set apart for tests of networks (RFC 2544).
 */

export interface NetworkHost {
  readonly name: string;
  /** Its own. */
  readonly address: string;
  /** Under which others reach it, where a proxy forwards. */
  readonly gateway: string;
  /** Of the cable, at this process's end. */
  readonly cable: string;
}

/** Why hosts cannot be made here; undefined where they can. */
export function whyNoHosts(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are there on Linux only';
  if (process.getuid?.() !== 0) return 'network namespaces can be made by root only';
  try {
    const name = `lamp${process.pid}-try`;
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return undefined;
  } catch (error) {
    return `network namespaces cannot be made here: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** So many hosts; whatever was made is removed again where one cannot be. */
export function makeHosts(count: number): NetworkHosts {
  removeAbandoned();
  const hosts = new NetworkHosts();
  try {
    for (let index = 0; index < count; index++) hosts.add();
    return hosts;
  } catch (error) {
    hosts.remove().catch(() => {});
    throw error;
  }
}

let made = 0;

export class NetworkHosts {
  readonly hosts: NetworkHost[] = [];
  readonly #number = made++;
  readonly #block = freeBlock();

  add(): NetworkHost {
    const index = this.hosts.length;
    const id = `${process.pid}-${this.#number}${index}`;
    const name = `lamp${id}`;
    const gateway = `${this.#block}.${4 * index + 1}`;
    const host = { name, gateway, address: `${this.#block}.${4 * index + 2}`, cable: `l${id}` };
    ip('netns', 'add', name);
    ip('link', 'add', host.cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    this.hosts.push(host);
    ip('address', 'add', `${gateway}/30`, 'dev', host.cable);
    ip('link', 'set', host.cable, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'address', 'add', `${host.address}/30`, 'dev', 'eth0');
    this.join(host);
    return host;
  }

  /** Pulls the cable of a host: nothing comes or goes, and nobody is told. */
  cut(host: NetworkHost): void {
    ip('-n', host.name, 'link', 'set', 'eth0', 'down');
  }

  /** Puts it back in. */
  join(host: NetworkHost): void {
    ip('-n', host.name, 'link', 'set', 'eth0', 'up');
    // A route goes with its link.
    ip('-n', host.name, 'route', 'replace', 'default', 'via', host.gateway);
  }

  /** Starts a program on a host. */
  spawn(host: NetworkHost, program: string, words: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn('ip', ['netns', 'exec', host.name, program, ...words], options);
  }

  /** The processes on a host. */
  pids(host: NetworkHost): readonly number[] {
    return ip('netns', 'pids', host.name).split('\n').filter(Boolean).map(Number);
  }

  /** Ends every process that is left on the hosts, and removes these. Returns what was left: empty where all went well. */
  async remove(): Promise<readonly number[]> {
    const left = this.hosts.flatMap((host) => this.pids(host));
    for (const host of this.hosts.splice(0)) await removeHost(host);
    return left;
  }
}

const ip = (...words: readonly string[]): string =>
  execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** A namespace lives for as long as a process is in it. */
async function removeHost({ name, cable }: NetworkHost): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const pids = ip('netns', 'pids', name).split('\n').filter(Boolean).map(Number);
    if (pids.length === 0) break;
    for (const pid of pids) killIfThere(pid);
    await setTimeout(20);
  }
  // The kernel takes its time to clear up behind a namespace; the cable is gone at once.
  ip('link', 'del', cable);
  ip('netns', 'del', name);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** Of test runs that were killed before they could remove them. */
function removeAbandoned(): void {
  for (const line of ip('netns', 'list').split('\n')) {
    const [, name, pid] = /^(lamp(\d+)-\w+)/.exec(line) ?? [];
    if (name !== undefined && !existsSync(`/proc/${pid}`)) ip('netns', 'del', name);
  }
}

/** The first three numbers of 256 addresses that nobody on this machine has. */
function freeBlock(): string {
  const taken = ip('-o', '-4', 'address', 'show');
  const start = process.pid % 512;
  for (let tries = 0; tries < 512; tries++) {
    const number = (start + tries) % 512;
    const block = `198.${18 + Math.floor(number / 256)}.${number % 256}`;
    if (!taken.includes(` ${block}.`)) return block;
  }
  throw new Error('every address that is set apart for tests is taken');
}
