import { resolve } from 'node:path';
import { Command } from 'commander';
import type { LoadedRunFile } from '../config/loadRunFile.ts';
import { MetricsLog } from '../telemetry/metricsLog.ts';
import { jsonReporter, progressReporter } from '../telemetry/reporter.ts';
import { createRunDirectory, discardIfBarren, runFiles, writeResolvedRun } from '../telemetry/runDirectory.ts';
import type { TrainEvent } from '../telemetry/trainEvent.ts';
import type { CliContext } from './context.ts';
import { interruptible } from './interrupt.ts';
import { loadRun } from './loadRun.ts';
import { overridesOf, parseCount, runFileOptions, setOption, type RunFileFlags } from './options.ts';
import { describeFiles, describeResult } from './trainReport.ts';

interface Flags {
  readonly output: string;
  readonly json?: true;
  readonly trace?: string;
  readonly traceSteps: number;
}

const example = `
The run's folder is never an old one: where runs/<name> exists, runs/<name>-2 is made.

Example:
  $ lamp train examples/brain9/run.yaml --workers 2 --set training.epochs=5
`;

/** `lamp train RUN.yaml`: trains as a run file says. */
export function trainCommand(context: CliContext): Command {
  const command = new Command('train')
    .description('train a network as a run file says')
    .argument('<run.yaml>', 'the run file (docs/run-file.md)');
  for (const option of runFileOptions()) command.addOption(option);
  return command
    .addOption(setOption())
    .option('--output <dir>', "where the run's folder is made", 'runs')
    .option('--trace <file>', 'write what every worker did when, for ui.perfetto.dev')
    .option('--trace-steps <n>', 'the last steps, which the trace holds', parseCount, 3)
    .option('--json', 'print events as JSON lines, the result last')
    .addHelpText('after', example)
    .action(async (file: string, flags: Flags & RunFileFlags) => {
      await trainRun(loadRun(file, overridesOf(flags)), flags, context);
    });
}

async function trainRun({ run, baseDirectory }: LoadedRunFile, flags: Flags, context: CliContext): Promise<void> {
  const { out, err, services } = context;
  const reporter = flags.json ? jsonReporter(out) : progressReporter(out);
  const directory = createRunDirectory(flags.output, run.name);
  const metrics = new MetricsLog(`${directory}/${runFiles.metrics}`);
  const report = (event: TrainEvent): void => {
    metrics.add(event);
    reporter.report(event);
  };
  const trace = flags.trace === undefined ? undefined : { file: resolve(flags.trace), steps: flags.traceSteps };
  let kept = false;
  try {
    report({ kind: 'saved', what: 'run', path: writeResolvedRun(directory, run, baseDirectory) });
    const result = await interruptible(err, (signal) =>
      services.train({ run, directory, baseDirectory, signal, report, trace }),
    );
    kept = true;
    reporter.stop();
    if (flags.json) out.write(`${JSON.stringify({ kind: 'result', ...result })}\n`);
    else out.write(`\n${describeResult(run, baseDirectory, result)}\n\n${describeFiles(directory)}\n`);
  } finally {
    reporter.stop();
    metrics.close();
    if (!kept && !discardIfBarren(directory)) err.write(`what was written so far is in ${directory}\n`);
  }
}
