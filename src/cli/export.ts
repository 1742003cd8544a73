import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { runFiles } from '../telemetry/runDirectory.ts';
import { formatBytes } from '../telemetry/units.ts';
import type { CliContext } from './context.ts';
import { InputError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import type { ExportResult } from './services.ts';

interface Flags {
  readonly run: string;
  readonly onnx?: string;
  readonly safetensors?: string;
  readonly weights?: string;
  readonly force?: true;
  readonly json?: true;
}

const example = `
The ONNX file takes an image (batch, channels, z, y, x) of any size that is a multiple of its divisor and gives logits; classes
and transforms stand in its metadata. It is run on a random image and compared with our own engine before it takes its name.

Example:
  $ lamp export --run runs/brain9 --onnx brain9.onnx
`;

/** `lamp export`: a trained network for other programs. */
export function exportCommand(context: CliContext, version: string): Command {
  return new Command('export')
    .description('write the network of a run as ONNX, or its weights for PyTorch')
    .requiredOption('--run <dir>', 'folder of the run, such as runs/brain9')
    .option('--onnx <file>', 'ONNX file to write')
    .option('--safetensors <file>', "safetensors file to write: weights by PyTorch's names")
    .option('--weights <file>', 'safetensors file to take the weights from; else those of the run')
    .option('--force', 'write over a file that exists')
    .option('--json', 'print what was written as JSON')
    .addHelpText('after', example)
    .action(async (flags: Flags) => {
      checkFlags(flags);
      const { out, err, services } = context;
      const { run: runDirectory, onnx, safetensors, weights } = flags;
      const result = await interruptible(err, (signal) =>
        services.exportRun({ runDirectory, onnx, safetensors, weights, version, signal }),
      );
      out.write(flags.json ? `${JSON.stringify(result)}\n` : describeExport(result));
    });
}

/** What can be said before anything is loaded. */
function checkFlags({ run, onnx, safetensors, weights, force }: Flags): void {
  for (const file of [runFiles.run, ...(weights === undefined ? [runFiles.weights] : [])])
    if (!existsSync(join(run, file)))
      throw new InputError(
        `--run ${run}: there is no ${file} in it; give the folder of a finished run, such as runs/brain9`,
      );
  if (weights !== undefined && !existsSync(weights))
    throw new InputError(`--weights ${weights}: there is no such file`);
  if (onnx === undefined && safetensors === undefined)
    throw new InputError('nothing to write: give --onnx FILE or --safetensors FILE, or both');
  const source = resolve(weights ?? join(run, runFiles.weights));
  checkOutput('--onnx', onnx, '.onnx', { source, force });
  checkOutput('--safetensors', safetensors, '.safetensors', { source, force });
}

function checkOutput(
  flag: string,
  file: string | undefined,
  ending: string,
  { source, force }: { source: string; force: true | undefined },
): void {
  if (file === undefined) return;
  if (!file.endsWith(ending)) throw new InputError(`${flag} ${file}: give a name that ends in ${ending}`);
  if (!existsSync(dirname(file)))
    throw new InputError(`${flag} ${file}: there is no folder ${dirname(file)}; make it first`);
  if (resolve(file) === source)
    throw new InputError(`${flag} ${file}: the weights are read from there; give another file`);
  if (existsSync(file) && !force)
    throw new InputError(`${flag} ${file}: exists already; give another, or --force to write over it`);
}

function describeExport({ weights, parameters, files }: ExportResult): string {
  const lines = files.flatMap(({ path, bytes, verification }) => [
    `${path}: ${formatBytes(bytes)}`,
    ...(verification ? [describeVerification(verification)] : []),
  ]);
  return `${[`${parameters.toLocaleString('en-US')} parameters from ${weights}`, ...lines].join('\n')}\n`;
}

function describeVerification(verification: NonNullable<ExportResult['files'][number]['verification']>): string {
  if (verification.status === 'unverified') return `  not verified: ${verification.reason}`;
  const { runtime, shape, difference } = verification;
  return `  verified: ${runtime} gives what we give for an image (${shape.join(', ')}), to ${difference.toExponential(1)} of the largest value`;
}
