import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { logsFolder } from '../telemetry/runDirectory.ts';
import { dayOf, formatEntry } from '../telemetry/log/formatEntry.ts';
import { logLevels, type LogLevel } from '../telemetry/log/level.ts';
import { followLogs, readLogs } from '../telemetry/log/runLogs.ts';
import { parseSince, selector, type Since } from '../telemetry/log/selection.ts';
import type { CliContext } from './context.ts';
import { InputError } from './exit.ts';

interface Flags {
  readonly level: LogLevel;
  readonly process?: readonly string[];
  readonly since?: Since;
  readonly follow?: true;
  readonly json?: true;
}

const example = `
A line that is damaged or half written is shown as such.

Example:
  $ lamp logs runs/brain9 --level warn
  $ lamp logs runs/brain9 --process coordinator "worker 1" --since 120
`;

/** `lamp logs RUN`: what all processes of a run wrote down, in the order of time. */
export function logsCommand(context: CliContext): Command {
  return new Command('logs')
    .description('show what all processes of a run wrote down, in the order of time')
    .argument('<run>', "a run's folder")
    .addOption(new Option('--level <level>', 'lines from this level on').choices(logLevels).default('debug'))
    .option('--process <name...>', 'of these processes alone: coordinator, loader, "worker 0" …')
    .option('--since <step|time>', 'from a step (120), a time ago (10m, 2h) or a time (2026-11-24T09:30)', since)
    .option('--follow', 'go on with what is written from now on, until Ctrl-C')
    .option('--json', 'print the lines as they are written, JSON')
    .addHelpText('after', example)
    .action(async (run: string, flags: Flags) => showLogs(logFolderOf(run), flags, context));
}

function since(text: string): Since {
  const parsed = parseSince(text, Date.now());
  if (!parsed)
    throw new InvalidArgumentError('Give a step (120), a time ago (30s, 10m, 2h, 1d) or a time (2026-11-24T09:30).');
  return parsed;
}

function logFolderOf(run: string): string {
  const folder = join(run, logsFolder);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new InputError(
    `${run}: there are no logs: ${folder} is no folder; give the folder of a run, such as runs/brain9`,
  );
}

async function showLogs(folder: string, flags: Flags, { out }: CliContext): Promise<void> {
  // Ctrl-C ends this process as it ends any that only reads.
  const entries = flags.follow ? followLogs(folder, new AbortController().signal) : readLogs(folder);
  const wanted = selector({ level: flags.level, processes: flags.process, since: flags.since });
  let day = '';
  for await (const entry of entries) {
    if (!wanted(entry)) continue;
    if (flags.json) {
      out.write(
        `${entry.kind === 'line' ? entry.text : JSON.stringify({ damaged: entry.text, process: entry.process })}\n`,
      );
      continue;
    }
    if (dayOf(entry.time) !== day) out.write(`${(day = dayOf(entry.time))}\n`);
    out.write(`${formatEntry(entry)}\n`);
  }
}
