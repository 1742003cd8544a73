import { readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** Processor time so far, in ticks. */
interface ProcessorTime {
  /** Of the whole machine: spent, and spent or idle. */
  readonly busy: number;
  readonly all: number;
  /** Of the processes that are ours. */
  readonly own: number;
}

/**
 * Watches what part of the machine goes to processes that are none of ours: a step that was disturbed says little. Of Linux
 * alone; elsewhere nothing is known.
 */
export class DisturbanceMeter {
  readonly #pids: readonly number[];
  readonly #start: ProcessorTime | undefined;

  /** @param pids ours, besides this process */
  constructor(pids: readonly number[]) {
    this.#pids = pids;
    this.#start = processorTime(pids);
  }

  /** The part of the machine that went to others since the start: 0 to 1. */
  stop(): number | undefined {
    const [start, end] = [this.#start, processorTime(this.#pids)];
    return start && end && othersShare(start, end);
  }
}

export function othersShare(start: ProcessorTime, end: ProcessorTime): number {
  const others = end.busy - start.busy - (end.own - start.own);
  return Math.min(1, Math.max(0, others / Math.max(1, end.all - start.all)));
}

function processorTime(pids: readonly number[]): ProcessorTime | undefined {
  try {
    const { busy, all } = machineTime(readFileSync('/proc/stat', 'utf8'));
    const { user, system } = process.cpuUsage();
    const own = pids.reduce((sum, pid) => sum + processTime(readFileSync(`/proc/${pid}/stat`, 'utf8')), 0);
    return { busy, all, own: own + ((user + system) / 1e6) * TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}

/** `cpu user nice system idle iowait irq softirq steal guest guest_nice`; guests are counted in user and nice. */
export function machineTime(text: string): { busy: number; all: number } {
  const [line = ''] = text.split('\n', 1);
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  return { busy, all: busy + idle + wait };
}

/** `pid (name, which may hold anything) state …`: the 14th and 15th words are the time in user and system mode. */
export function processTime(text: string): number {
  const words = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(words[11]) + Number(words[12]);
}
