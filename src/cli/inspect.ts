import { statSync } from 'node:fs';
import { Command } from 'commander';
import type { TextOutput } from '../telemetry/reporter.ts';
import type { CliContext } from './context.ts';
import { exitCodes, InputError } from './exit.ts';
import { describeInspection, isSound } from './inspectReport.ts';
import { interruptible } from './interrupt.ts';
import { loadRun } from './loadRun.ts';

interface Flags {
  readonly format?: 'decathlon' | 'nnunet' | 'han';
  readonly json?: true;
}

const example = `
A data set is a folder as of the Decathlon, of nnU-Net or of HaN, or the cases of a run file. Every file is read once, one at a
time. Exit code 1 where something is wrong; a warning alone is not.

Example:
  $ lamp inspect data/Task09_Spleen
`;

/** `lamp inspect DATASET`: what a data set holds, and everything that is wrong with it. */
export function inspectCommand(context: CliContext): Command {
  return new Command('inspect')
    .description('read every file of a data set and tell what it holds and what is wrong with it')
    .argument('<dataset>', 'folder of a data set, or a run file')
    .option('--format <name>', 'decathlon, nnunet or han, where the folder does not tell')
    .option('--json', 'print it as JSON')
    .addHelpText('after', example)
    .action(async (path: string, flags: Flags) => {
      const { dataBlock, inspect, subject, set } = await opened(path, flags);
      const progress = progressLine(context.err);
      const inspection = await interruptible(context.err, (signal) =>
        inspect(subject, { signal, report: progress.report }),
      ).finally(progress.stop);
      const block = set && dataBlock(set, inspection);
      const sound = isSound(inspection);
      context.out.write(
        flags.json
          ? `${JSON.stringify({ sound, ...inspection, ...(block === undefined ? {} : { block }) })}\n`
          : `${describeInspection(inspection, block)}\n`,
      );
      if (!sound) context.exitCode = exitCodes.failed;
    });
}

async function opened(path: string, { format }: Flags) {
  const { dataBlock, inspect, subjectOfDataSet, subjectOfRun } = await import('../data/inspect/index.ts');
  const { readDataSet } = await import('../data/sets/index.ts');
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new InputError(`${path}: there is no such folder or run file`);
  if (format !== undefined && !['decathlon', 'nnunet', 'han'].includes(format))
    throw new InputError(`--format ${format}: give decathlon, nnunet or han`);
  if (stat.isDirectory()) {
    const set = readDataSet(path, format);
    return { dataBlock, inspect, set, subject: subjectOfDataSet(set) };
  }
  // What is not there is told with the rest.
  const { run, baseDirectory } = loadRun(path, [], { checkFiles: false });
  return { dataBlock, inspect, set: undefined, subject: subjectOfRun(run, baseDirectory) };
}

const SECONDS = 5;

/** A line that is written over where a person watches; else one now and then. */
function progressLine(err: TextOutput): {
  readonly report: (progress: { readonly done: number; readonly all: number; readonly name: string }) => void;
  readonly stop: () => void;
} {
  let written = performance.now();
  let width = 0;
  return {
    report({ done, all, name }) {
      const text = `reading ${done + 1} of ${all}: ${name}`;
      if (err.isTTY) {
        err.write(`\r${text.padEnd(width)}`);
        width = text.length;
      } else if (performance.now() - written > SECONDS * 1000) {
        err.write(`${text}\n`);
        written = performance.now();
      }
    },
    stop() {
      if (width > 0) err.write(`\r${' '.repeat(width)}\r`);
    },
  };
}
