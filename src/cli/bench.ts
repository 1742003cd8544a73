import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { trainingScheduleNames, type TrainingScheduleName } from '../config/scheduleName.ts';
import { describeBench, describeBenchEvent, throughputPlot } from './benchReport.ts';
import type { CliContext } from './context.ts';
import { exitCodes, InputError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { loadRun } from './loadRun.ts';
import { parseCount, parseCounts, setOption } from './options.ts';
import type { BenchResult } from './services.ts';

interface Flags {
  readonly workers: readonly number[];
  readonly microBatches?: readonly number[];
  readonly schedule: readonly TrainingScheduleName[];
  readonly rounds: number;
  readonly steps: number;
  readonly set?: readonly string[];
  readonly output?: string;
  readonly json?: true;
}

const example = `
Every combination that fits takes its turn in every round, on random images of the run's size. Beside them stand one worker,
and as many independent workers as each has, side by side without a message: what the machine can do at most. All workers
have the same number of threads (engine.threads, else the cores shared among the most workers).

Example:
  $ lamp bench benchmarks/unetpipe.yaml --workers 1,2 --micro-batches 4,8 --schedule gpipe,1f1b,zb_v --output results
`;

/** `lamp bench RUN.yaml`: throughput against the number of workers. */
export function benchCommand(context: CliContext): Command {
  return new Command('bench')
    .description('measure throughput against the number of workers, and what the machine can do at most')
    .argument('<run.yaml>', 'the run file (docs/run-file.md)')
    .addOption(new Option('--workers <K>', 'worker processes: 1,2,4').argParser(parseCounts).default([1, 2], '1,2'))
    .addOption(new Option('--micro-batches <M>', "micro-batches: 4,8; else the run file's").argParser(parseCounts))
    .addOption(
      new Option('--schedule <names>', 'schedules: gpipe,1f1b').argParser(parseSchedules).default(['1f1b'], '1f1b'),
    )
    .option('--rounds <n>', 'turns of every combination', parseCount, 5)
    .option('--steps <n>', 'steps of a turn', parseCount, 3)
    .addOption(setOption())
    .option('--output <dir>', 'where bench.json, bench.svg and bench.png are written')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', example)
    .action(async (file: string, flags: Flags) => {
      const loaded = loadRun(file, flags.set ?? []);
      const { out, err, services } = context;
      const asked = loaded.run.pipeline.micro_batches;
      const microBatches = flags.microBatches ?? [asked === 'auto' ? loaded.run.training.batch_size : asked];
      const { workers, schedule: schedules, rounds, steps } = flags;
      const result = await interruptible(err, (signal) =>
        services.bench({
          ...{ ...loaded, workers, microBatches, schedules, rounds, steps, signal },
          report: (event) => err.write(`${describeBenchEvent(event)}\n`),
        }),
      );
      if (result.figures.length === 0) context.exitCode = exitCodes.failed;
      const files = flags.output === undefined ? [] : await writeFiles(flags.output, result);
      if (flags.json) out.write(`${JSON.stringify(result)}\n`);
      else out.write(`\n${describeBench(result)}\n${files.map((path) => `  ${path}\n`).join('')}`);
    });
}

async function writeFiles(directory: string, result: BenchResult): Promise<readonly string[]> {
  // Drawing is loaded when there is something to draw.
  const [{ throughputSvg }, { pngOf }] = await Promise.all([
    import('../telemetry/plot/throughput.ts'),
    import('../telemetry/plot/chart.ts'),
  ]);
  const svg = throughputSvg(throughputPlot(result));
  const contents = [
    ['bench.txt', `${describeBench(result)}\n`],
    ['bench.json', `${JSON.stringify(result, undefined, 2)}\n`],
    ['bench.svg', svg],
    ['bench.png', pngOf(svg)],
  ] as const;
  mkdirSync(directory, { recursive: true });
  return contents.map(([name, content]) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  });
}

function parseSchedules(text: string): readonly TrainingScheduleName[] {
  return text.split(',').map((name) => {
    const known = trainingScheduleNames.find((each) => each === name);
    if (!known) throw new InputError(`--schedule: ${name} is none of ${trainingScheduleNames.join(', ')}`);
    return known;
  });
}
