import { join } from 'node:path';
import { parseLine } from '../telemetry/log/entry.ts';
import { formatEntry } from '../telemetry/log/formatEntry.ts';
import { openLog, type Log } from '../telemetry/log/log.ts';
import type { TextOutput } from '../telemetry/reporter.ts';
import { logsFolder } from '../telemetry/runDirectory.ts';
import type { TrainEvent } from '../telemetry/trainEvent.ts';

const COORDINATOR = 'coordinator';

/** The coordinator's log in a run's folder, beside which its processes write theirs; where asked for, with all lines on `err`, too. */
export function logOfRun(
  directory: string,
  { err, verbose }: { readonly err: TextOutput; readonly verbose: boolean },
): Log {
  const echo = (line: string): void =>
    void err.write(`${formatEntry(parseLine(line.trimEnd(), { time: Date.now(), process: COORDINATOR }))}\n`);
  return openLog({
    ...{ directory: join(directory, logsFolder), process: COORDINATOR, level: verbose ? 'debug' : 'info' },
    ...(verbose ? { echo } : {}),
    complain: (text) => void err.write(text),
  });
}

const warnings: ReadonlySet<TrainEvent['kind']> = new Set(['failed', 'not finite', 'refused']);

/** Writes an event of the run down; steps for whoever looks for a fault. */
export function logged(log: Log, { kind, ...fields }: TrainEvent): void {
  log[kind === 'step' ? 'debug' : warnings.has(kind) ? 'warn' : 'info'](kind, fields);
}
