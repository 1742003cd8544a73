import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { recomputeModes, skipWays } from '../config/schema/pipeline.ts';
import type { EngineSpec, RecomputeMode, SkipWay } from '../config/runFile.ts';
import {
  placementNames,
  trainingScheduleNames,
  type PlacementName,
  type TrainingScheduleName,
} from '../config/scheduleName.ts';
import type { ParityResult } from './services.ts';
import type { CliContext } from './context.ts';
import { exitCodes, InputError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { parseCount, parseCounts } from './options.ts';
import { describeParity, summarizeParity } from './parityReport.ts';

interface Flags {
  readonly workers: readonly number[];
  readonly replicas?: number;
  readonly microBatches?: number;
  readonly recompute?: RecomputeMode;
  readonly schedule?: TrainingScheduleName;
  readonly placement?: PlacementName;
  readonly skips?: SkipWay;
  readonly engine?: Exclude<EngineSpec['name'], 'auto'>;
  readonly json?: true;
}

const example = `
Exit code 1 where a case differs, or where none could be run.

Example:
  $ lamp parity tests/fixtures/golden --workers 1,2,3
`;

/** `lamp parity FILE…`: whether our numbers are those of the LAMP research code. */
export function parityCommand(context: CliContext): Command {
  return new Command('parity')
    .description('run reference cases and compare every tensor with the expected one')
    .argument('<file...>', 'reference cases (.safetensors), or folders of them')
    .addOption(
      new Option('--workers <K>', 'worker processes for training cases and modules; 1,2,3 tries each')
        .argParser(parseCounts)
        .default([1], '1'),
    )
    .option('--replicas <R>', 'pipelines side by side in training cases, as far as there are micro-batches', parseCount)
    .option('--micro-batches <M>', 'micro-batches; else as in the case', parseCount)
    .addOption(new Option('--recompute <mode>', 'what is recomputed').choices(recomputeModes))
    .addOption(new Option('--schedule <name>', 'order of the actions').choices(trainingScheduleNames))
    .addOption(new Option('--placement <name>', "stages on workers; else the schedule's own").choices(placementNames))
    .addOption(new Option('--skips <way>', 'straight, or through every stage between').choices(skipWays))
    .addOption(new Option('--engine <name>', 'compute engine').choices(['tensorflow', 'cpu']))
    .option('--json', 'print one JSON object a case')
    .addHelpText('after', example)
    .action(async (paths: readonly string[], flags: Flags) => {
      const files = paths.flatMap(casesAt);
      const results = await interruptible(context.err, (signal) => runCases(files, flags, signal, context));
      if (!flags.json) context.out.write(`${summarizeParity(results)}\n`);
      const agrees = results.some(({ status }) => status === 'agrees');
      const differs = results.some(({ status }) => status === 'differs');
      context.exitCode = agrees && !differs ? exitCodes.ok : exitCodes.failed;
    });
}

async function runCases(
  files: readonly string[],
  { workers: counts, replicas, microBatches, recompute, schedule, placement, skips, engine, json }: Flags,
  signal: AbortSignal,
  { out, services }: CliContext,
): Promise<readonly ParityResult[]> {
  const results: ParityResult[] = [];
  for (const workers of counts) {
    const options = {
      workers,
      signal,
      ...(replicas === undefined ? {} : { replicas }),
      ...(microBatches === undefined ? {} : { microBatches }),
      ...(recompute === undefined ? {} : { recompute }),
      ...(schedule === undefined ? {} : { schedule }),
      ...(placement === undefined ? {} : { placement }),
      ...(skips === undefined ? {} : { skips }),
      ...(engine === undefined ? {} : { engine }),
    };
    const report = (result: ParityResult): void => {
      out.write(`${json ? JSON.stringify({ ...result, workers }) : describeParity(result, workers)}\n`);
    };
    // Only training cases and modules depend on the number of workers, these as far as they have cells: the others are run once.
    const done = ({ kind, mostWorkers = 0 }: ParityResult): boolean => kind !== 'train' && mostWorkers < workers;
    const once = new Set(results.filter(done).map(({ file }) => file));
    const left = files.filter((file) => !once.has(file));
    results.push(...(await services.runParity(left, options, report)));
  }
  return results;
}

function casesAt(path: string): readonly string[] {
  if (!existsSync(path)) throw new InputError(`${path}: there is no such file or folder`);
  if (!statSync(path).isDirectory()) return [path];
  const files = readdirSync(path)
    .filter((file) => file.endsWith('.safetensors'))
    .toSorted();
  if (files.length === 0) throw new InputError(`${path}: there is no .safetensors file in this folder`);
  return files.map((file) => join(path, file));
}
