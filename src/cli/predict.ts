import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { EngineSpec } from '../config/runFile.ts';
import type { PredictResult } from './services.ts';
import { jsonReporter, lineReporter } from '../telemetry/reporter.ts';
import { runFiles } from '../telemetry/runDirectory.ts';
import { formatTable } from '../telemetry/table.ts';
import { formatDuration } from '../telemetry/units.ts';
import type { CliContext } from './context.ts';
import { InputError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { parseCount } from './options.ts';

interface Flags {
  readonly run: string;
  readonly input: string;
  readonly output: string;
  readonly workers?: number;
  readonly engine?: EngineSpec['name'];
  readonly force?: true;
  readonly json?: true;
}

const example = `
Example:
  $ lamp predict --run runs/brain9 --input brain.nii.gz --output segmentation.nii.gz
`;

/** `lamp predict`: segments an image with the network of a run. */
export function predictCommand(context: CliContext): Command {
  return new Command('predict')
    .description('segment a NIfTI image with the network of a run')
    .requiredOption('--run <dir>', 'folder of the run, such as runs/brain9')
    .requiredOption('--input <image>', 'NIfTI image, .nii or .nii.gz')
    .requiredOption('--output <segmentation>', 'NIfTI file to write, .nii or .nii.gz')
    .option('--workers <K>', 'worker processes; else as in the run', parseCount)
    .addOption(new Option('--engine <name>', 'compute engine').choices(['tensorflow', 'cpu', 'auto']))
    .option('--force', 'write over an output that exists')
    .option('--json', 'print events as JSON lines, the result last')
    .addHelpText('after', example)
    .action(async (flags: Flags) => {
      checkFlags(flags);
      const { out, err, services } = context;
      const { report } = flags.json ? jsonReporter(out) : lineReporter(out);
      const { run, input, output, workers, engine } = flags;
      const result = await interruptible(err, (signal) =>
        services.predict({
          runDirectory: run,
          input,
          output,
          signal,
          report,
          ...(workers === undefined ? {} : { workers }),
          ...(engine === undefined ? {} : { engine }),
        }),
      );
      out.write(
        flags.json ? `${JSON.stringify({ kind: 'result', output, ...result })}\n` : describePrediction(output, result),
      );
    });
}

/** What can be said before anything is loaded. */
function checkFlags({ run, input, output, force }: Flags): void {
  for (const file of [runFiles.run, runFiles.weights])
    if (!existsSync(join(run, file)))
      throw new InputError(
        `--run ${run}: there is no ${file} in it; give the folder of a finished run, such as runs/brain9`,
      );
  if (!existsSync(input) || statSync(input).isDirectory())
    throw new InputError(`--input ${input}: there is no such file`);
  if (!/\.nii(\.gz)?$/.test(output))
    throw new InputError(`--output ${output}: give a name that ends in .nii or .nii.gz`);
  if (!existsSync(dirname(output)))
    throw new InputError(`--output ${output}: there is no folder ${dirname(output)}; make it first`);
  if (resolve(input) === resolve(output))
    throw new InputError(`--output ${output}: that is the input; give another file`);
  if (existsSync(output) && !force)
    throw new InputError(`--output ${output}: exists already; give another, or --force to write over it`);
}

function describePrediction(output: string, { size, classes, seconds }: PredictResult): string {
  const all = size.reduce((product, n) => product * n, 1);
  const rows = Object.entries(classes).map(([name, voxels]) => [
    name,
    voxels.toLocaleString('en-US'),
    `${((100 * voxels) / all).toFixed(2)}%`,
  ]);
  const columns = [{ title: 'class' }, { title: 'voxels', align: 'right' }, { align: 'right' }] as const;
  return `${formatTable(columns, rows)}\n\n${size.join(' × ')} voxels in ${formatDuration(seconds)}: ${output}\n`;
}
