import { cpus, loadavg, totalmem } from 'node:os';

/** What a figure was measured on, for the file that keeps it. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly node: string;
  /** Processes that wanted to run, averaged over the last minute: above 0 before the start, others were measured too. */
  readonly load: number;
}

export const thisMachine = (): Machine => ({
  processor: cpus()[0]?.model.trim() ?? process.arch,
  cores: cpus().length,
  memoryGib: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  load: Number(loadavg()[0]!.toFixed(1)),
});

export const describeMachine = ({ processor, cores, memoryGib, node, load }: Machine): string =>
  `${processor}, ${cores} cores, ${memoryGib} GiB, Node ${node}, load before ${load}`;
