import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** A process as the system lists it (Linux: /proc). */
export interface ProcessEntry {
  readonly pid: number;
  /** Its command line, or the title that it gave itself: `lamp worker 0`. */
  readonly title: string;
}

/** The living children of a process; one that has ended and waits to be reaped is none. */
export function childrenOf(parent: number): readonly ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const status = statusOf(Number(name));
      return status?.parent === parent && status.state !== 'Z' ? [{ pid: Number(name), title: titleOf(name) }] : [];
    });
}

/** The child of that title: `lamp worker 1`. */
export function childCalled(title: string, parent = process.pid): number {
  const found = childrenOf(parent).find((child) => child.title === title);
  if (!found) throw new Error(`no child ${title}: there are ${JSON.stringify(childrenOf(parent))}`);
  return found.pid;
}

/** Those that still run when they have had time enough to end; empty where all is well. */
export async function leftOf(pids: readonly number[], milliseconds = 20_000): Promise<readonly number[]> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const left = pids.filter((pid) => (statusOf(pid)?.state ?? 'Z') !== 'Z');
    if (left.length === 0 || performance.now() > end) return left;
    await setTimeout(50);
  }
}

/** Sockets that this process has open. */
export const openSockets = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      // The descriptor that listed the folder is gone again.
      return false;
    }
  }).length;

/** Waits until something holds, for as long as a busy machine may need. */
export async function until(holds: () => boolean, milliseconds = 30_000): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited ${milliseconds} ms for ${holds.toString()}`);
    await setTimeout(50);
  }
}

/** The process group, to all of which the terminal sends its signals. */
export function groupOf(pid: number): number {
  const status = statusOf(pid);
  if (!status) throw new Error(`there is no process ${pid}`);
  return status.group;
}

/** The cores that a process may run on, as the system writes them: `0-1,3`. */
export const coresOf = (pid: number): string =>
  /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]!;

function statusOf(pid: number): { state: string; parent: number; group: number } | undefined {
  try {
    // pid (name, which may hold anything) state parent group …
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, state, parent, group] = /^\d+ \(.*\) (\S) (\d+) (\d+)/s.exec(stat) ?? [];
    return state === undefined ? undefined : { state, parent: Number(parent), group: Number(group) };
  } catch {
    return undefined;
  }
}

function titleOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
