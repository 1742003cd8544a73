import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatCount } from '../telemetry/units.ts';
import { workerName } from '../transport/names.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { DoorOptions } from './fleet/fleetOptions.ts';
import type { Member } from './fleet/member.ts';

/** The hosts that a run waits for. */
export interface Hosts {
  readonly door: DoorOptions;
  /** How many `lamp worker`s. */
  readonly count: number;
  /** Seconds to wait for them. */
  readonly wait: number;
}

/** Not as many hosts have come as were wanted. */
export class JoinError extends Error {
  override readonly name = 'JoinError';

  constructor({ count, wait }: Hosts, endpoint: string, came: readonly string[]) {
    const those = came.length === 0 ? 'none came' : `only ${came.join(', ')} came`;
    super(
      `${formatCount(count, 'host')} were waited for (--hosts) at ${endpoint} for ${wait} s, and ${those}. Start on each: ` +
        `lamp worker --coordinator ${endpoint}`,
    );
  }
}

/** No other worker has come in the place of one that was lost. */
export class NoReplacementError extends Error {
  override readonly name = 'NoReplacementError';

  constructor(host: string, wait: number) {
    super(`none has come in the place of the one on ${host} within ${wait} s (recovery.wait)`);
  }
}

/** A host does not see the run's folder. */
export class SharedFolderError extends Error {
  override readonly name = 'SharedFolderError';

  constructor(folder: string, faults: readonly string[]) {
    super(
      `all hosts write their part of a checkpoint into the run's folder ${folder}, and it is not the same on all: ${faults.join('; ')}. ` +
        'Put it on a file system that they share, with --output',
    );
  }
}

/** Those that have come with all of their processes: the names of their hosts. */
const completeHosts = (members: readonly Member[]): readonly string[] => {
  const agents = [...new Set(members.map(({ host }) => host!.agent))];
  return agents.flatMap((agent) => {
    const own = members.filter(({ host }) => host!.agent === agent);
    const { name, processes } = own[0]!.host!;
    return own.length >= processes ? [name] : [];
  });
};

export async function waitForHosts(fleet: Fleet, hosts: Hosts, note?: (text: string) => void): Promise<void> {
  const end = Date.now() + 1000 * hosts.wait;
  for (let told = 0; ;) {
    const came = completeHosts(fleet.idle);
    if (came.length > told) note?.(`${came.length} of ${formatCount(hosts.count, 'host')} there: ${came.join(', ')}`);
    told = came.length;
    if (came.length >= hosts.count) return;
    if (Date.now() >= end) throw new JoinError(hosts, fleet.doorstep!, came);
    await fleet.arrival(end - Date.now());
  }
}

/**
 * Workers in the order in which their hosts came, those of one host side by side. A host is one `lamp worker`: two of them may have
 * a name in common, as containers do.
 */
export function inOrder(members: readonly Member[]): readonly Member[] {
  const hosts = [...new Set(members.map(({ host }) => host!.agent))];
  return members.toSorted((a, b) => hosts.indexOf(a.host!.agent) - hosts.indexOf(b.host!.agent));
}

/** A worker that does not see the run's folder, or not the same. */
export interface Blind {
  readonly worker: number;
  readonly problem: string;
}

/** Which of these workers do not see the run's folder as it is here, or cannot write in it. */
export async function blindOf(fleet: Fleet, folder: string, workers: readonly number[]): Promise<readonly Blind[]> {
  if (workers.length === 0) return [];
  const [file, words] = [`.seen-by-all-${randomUUID()}`, randomUUID()];
  await writeFile(join(folder, file), words);
  try {
    const asked = workers.map((worker) => fleet.request(workerName(worker), 'look', { folder, file, words }));
    const replies = await Promise.all(asked);
    for (const { wrote } of replies) if (wrote !== undefined) await rm(join(folder, wrote), { force: true });
    return replies.flatMap(({ problem }, i) => (problem === undefined ? [] : [{ worker: workers[i]!, problem }]));
  } finally {
    await rm(join(folder, file), { force: true });
  }
}
