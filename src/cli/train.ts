import { resolve } from 'node:path';
import { Command } from 'commander';
import { keyFileGiven } from '../config/environment.ts';
import { MetricsLog } from '../telemetry/metricsLog.ts';
import { jsonReporter, progressReporter } from '../telemetry/reporter.ts';
import { discardIfBarren, runFiles, writeResolvedRun } from '../telemetry/runDirectory.ts';
import { lockRun } from '../telemetry/runLock.ts';
import type { TrainEvent } from '../telemetry/trainEvent.ts';
import type { CliContext } from './context.ts';
import { interruptible } from './interrupt.ts';
import { logOfRun, logged } from './runLog.ts';
import { overridesOf, parseCount, runFileOptions, setOption, type RunFileFlags } from './options.ts';
import { InputError, InterruptedError, PreemptedError } from './exit.ts';
import { openRunFolder, type RunFolder } from './runFolder.ts';
import type { TrainOptions } from './services.ts';
import { describeFiles, describeResult } from './trainReport.ts';

interface Flags {
  readonly output: string;
  readonly json?: true;
  readonly resume?: string | true;
  readonly listen?: string;
  readonly hosts?: number;
  readonly keys?: string;
  readonly joinWait: number;
  readonly trace?: string;
  readonly traceSteps: number;
}

type Hosts = TrainOptions['hosts'];

const example = `
The run's folder is never an old one, unless a run is resumed: where runs/<name> exists, runs/<name>-2 is made.

Examples:
  $ lamp train examples/brain9/run.yaml --workers 2 --set training.epochs=5
  $ lamp train --resume runs/brain9                     goes on from its last checkpoint, on any number of workers
  $ lamp train examples/brain9/run.yaml --listen tcp://10.0.0.5:7700 --hosts 2 --keys coordinator.key
  $ lamp train examples/brain9/run.yaml --resume        goes on with runs/brain9 where there is one, else begins
`;

/** `lamp train RUN.yaml`: trains as a run file says. */
export function trainCommand(context: CliContext): Command {
  const command = new Command('train');
  command.description('train a network as a run file says').argument('[run.yaml]', 'the run file (docs/run-file.md)');
  for (const option of runFileOptions()) command.addOption(option);
  return command
    .addOption(setOption())
    .option('--output <dir>', "where the run's folder is made", 'runs')
    .option('--resume [run]', "go on from the last checkpoint of a run's folder")
    .option(
      '--listen <tcp://HOST:PORT>',
      'have the workers on other hosts, which come to this address (lamp worker); port 0: any',
    )
    .option('--hosts <n>', 'how many lamp workers to wait for', parseCount)
    .option('--keys <file>', 'coordinator.key, as lamp keys makes it (or LAMP_KEYS); needed beyond this machine')
    .option('--join-wait <s>', 'seconds to wait for them', parseCount, 600)
    .option('--trace <file>', 'write what every worker did when, for ui.perfetto.dev')
    .option('--trace-steps <n>', 'the last steps, which the trace holds', parseCount, 3)
    .option('--json', 'print events as JSON lines, the result last')
    .addHelpText('after', example)
    .action(async (file: string | undefined, flags: Flags & RunFileFlags) => {
      const { resume, output } = flags;
      const verbose = command.optsWithGlobals()['verbose'] === true;
      // What is wrong with these is told before there is a folder.
      const hosts = await hostsOf(flags);
      const folder = openRunFolder({ file, resume, overrides: overridesOf(flags), output });
      await trainRun(folder, { ...flags, waited: hosts, verbose }, context);
    });
}

async function trainRun(
  folder: RunFolder,
  flags: Flags & { waited: Hosts; verbose: boolean },
  context: CliContext,
): Promise<void> {
  const { run, baseDirectory, directory, resume } = folder;
  const { waited: hosts } = flags;
  const { out, err, services } = context;
  const reporter = flags.json ? jsonReporter(out) : progressReporter(out);
  const unlock = await lockRun(directory);
  const log = logOfRun(directory, { err, verbose: flags.verbose });
  const metrics = new MetricsLog(`${directory}/${runFiles.metrics}`);
  let checkpointed = resume;
  const report = (event: TrainEvent): void => {
    metrics.add(event);
    logged(log, event);
    checkpointed ||= event.kind === 'saved' && event.what === 'checkpoint';
    reporter.report(event);
  };
  const trace = flags.trace === undefined ? undefined : { file: resolve(flags.trace), steps: flags.traceSteps };
  let kept = false;
  try {
    report({ kind: 'saved', what: 'run', path: writeResolvedRun(directory, run, baseDirectory) });
    const result = await interruptible(err, (signal) =>
      services.train({ run, directory, baseDirectory, signal, report, trace, resume, hosts, log }),
    );
    kept = true;
    reporter.stop();
    if (flags.json) out.write(`${JSON.stringify({ kind: 'result', ...result })}\n`);
    else out.write(`\n${describeResult(run, baseDirectory, result)}\n\n${describeFiles(directory)}\n`);
  } catch (error) {
    log[error instanceof InterruptedError ? 'info' : 'error']('the run has ended', { error });
    throw checkpointed ? PreemptedError.of(error, directory) : error;
  } finally {
    reporter.stop();
    metrics.close();
    log.close();
    await unlock();
    if (!kept && !discardIfBarren(directory)) err.write(`what was written so far is in ${directory}\n`);
  }
}

/** The hosts to wait for, where workers are on others. */
async function hostsOf({ listen, hosts, keys: flag, joinWait: wait }: Flags): Promise<Hosts> {
  if (listen === undefined) {
    if (hosts !== undefined) throw new InputError('--hosts says how many come; --listen tcp://HOST:PORT says where to');
    return undefined;
  }
  const { parseEndpoint } = await import('../transport/listenAddress.ts');
  const { readKeyFile } = await import('../transport/keyFile.ts');
  const { host, port } = parseEndpoint(listen, 0);
  const keys = flag ?? keyFileGiven();
  const known = keys === undefined ? undefined : readKeyFile(keys, 'coordinator');
  const ports = port === 0 ? undefined : { from: port, to: port };
  return { door: { address: { host, ports }, known }, count: hosts ?? 1, wait };
}
