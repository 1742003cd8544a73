import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

/** A file with its arguments, or a line for the shell. */
export type Command = readonly [file: string, ...args: string[]] | string;

/** One run of a program: seconds a step, and MiB at the peak over all its processes. */
export interface Measured {
  readonly seconds: number;
  readonly peakMib: number;
}

/** What a program that is measured prints as a line of JSON, the last if there are several; other keys are left aside. */
const reportSchema = z.object({
  /** Of one step, when it has warmed up. */
  step_seconds: z.number().positive(),
  /** The most memory that its process, or each of its processes, ever had resident. */
  peak_mib: z.union([z.number().positive(), z.array(z.number().positive()).min(1)]),
});

const MOST_OUTPUT = 2 ** 24;

/** Runs a program to its end and reads what it reports. */
export async function measure(command: Command): Promise<Measured> {
  const [file, ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const { stdout } = await promisify(execFile)(file, args, { maxBuffer: MOST_OUTPUT });
  const line = stdout.split('\n').findLast((each) => each.startsWith('{'));
  if (line === undefined) throw new Error(`no line of JSON was printed by: ${[command].flat().join(' ')}`);
  const { step_seconds: seconds, peak_mib: peaks } = reportSchema.parse(JSON.parse(line));
  return { seconds, peakMib: [peaks].flat().reduce((sum, peak) => sum + peak, 0) };
}
