import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { marked } from '../support/marked.ts';

/** The fewest and the most that a process had. */
interface Count {
  readonly least: number;
  readonly most: number;
}

/** By process (`lamp worker 1`), how many sockets it had. */
export type Sockets = Readonly<Record<string, Count>>;

const BETWEEN_MILLISECONDS = 50;

/** How many sockets the processes of a run have while it is `late`, that is when all are there and none is about to end. */
export async function countSockets(mark: string, late: () => boolean, over: AbortSignal): Promise<Sockets> {
  const counts: Record<string, Count> = {};
  for (; !over.aborted; await setTimeout(BETWEEN_MILLISECONDS)) {
    if (!late()) continue;
    const now = marked(mark).map(({ pid, title }) => [nameOf(title), socketsOf(pid)] as const);
    if (!late()) continue;
    for (const [name, sockets] of now) {
      const { least, most } = counts[name] ?? { least: Infinity, most: 0 };
      if (sockets > 0) counts[name] = { least: Math.min(least, sockets), most: Math.max(most, sockets) };
    }
  }
  return counts;
}

/** Processes by what they are: their arguments differ from run to run. */
function nameOf(title: string): string {
  if (title.startsWith('lamp ')) return title;
  return title.includes(' train ') ? 'coordinator' : 'lamp worker';
}

function socketsOf(pid: number): number {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).filter((fd) => readlinkSync(join(folder, fd)).startsWith('socket:')).length;
  } catch {
    // It has ended, or closed one meanwhile.
    return 0;
  }
}

/** Who never had as few sockets as the most where nothing befell it: one may be closing at any moment, what leaks is there at each. */
export const moreSockets = (counted: Sockets, expected: Sockets): readonly string[] =>
  Object.entries(counted).flatMap(([name, { least }]) => {
    const most = expected[name]?.most ?? Infinity;
    return least > most ? [`${name} has ${least} sockets, not ${most}`] : [];
  });

/** Workers whose engine held tensors when all had been let go of. */
export function tensorsLeft(directory: string): readonly string[] {
  const folder = join(directory, 'logs');
  const ends = (existsSync(folder) ? readdirSync(folder) : [])
    .filter((file) => file.startsWith('worker-'))
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
    .filter((line) => line.includes('"msg":"ends"'))
    .map((line) => JSON.parse(line) as { process: string; tensors?: number });
  if (ends.length === 0) return ['no worker says what it held at its end'];
  return ends
    .filter(({ tensors }) => tensors !== 0)
    .map(({ process, tensors }) => `${process} held ${tensors} tensors at its end`);
}
