import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { describeAllowed } from '../config/allowed.ts';
import { parseKeyPath } from '../config/keyPath.ts';
import { nodeAt } from '../config/schemaTree.ts';
import { runFiles } from '../telemetry/runDirectory.ts';
import type { CliContext } from './context.ts';
import { exitCodes, InputError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { overridesOf, runFileOptions, setOption, type RunFileFlags } from './options.ts';
import { describePrediction, predictReporter } from './predictReport.ts';

interface Flags {
  readonly run: string;
  readonly input: string;
  readonly output: string;
  readonly weights?: string;
  readonly mode?: string;
  readonly probabilities?: true;
  readonly force?: true;
  readonly json?: true;
}

/** Options that set a key of the run file's section `inference`. */
const inferenceFlags = [
  { flag: 'mode', name: 'mode', value: 'how', key: 'inference.mode' },
  { flag: 'roi', name: 'roi', value: 'x,y,z', key: 'inference.roi' },
  { flag: 'overlap', name: 'overlap', value: 'share', key: 'inference.overlap' },
  { flag: 'blend', name: 'blend', value: 'how', key: 'inference.blend' },
  { flag: 'padding-mode', name: 'paddingMode', value: 'how', key: 'inference.padding_mode' },
  { flag: 'sw-batch-size', name: 'swBatchSize', value: 'n', key: 'inference.sw_batch_size' },
] as const;

const example = `
Keys of the section inference stand in the run file, too; an option wins. What says how windows lie implies --mode sliding.
Of a folder every image is segmented; what is there already is left as it is (--force makes it again).

Examples:
  $ lamp predict --run runs/brain9 --input brain.nii.gz --output segmentation.nii.gz
  $ lamp predict --run runs/brain9 --input images --output segmentations --roi 96,96,96 --overlap 0.5 --blend gaussian
`;

/** `lamp predict`: segments images with the network of a run. */
export function predictCommand(context: CliContext): Command {
  const command = new Command('predict')
    .description('segment images with the network of a run')
    .requiredOption('--run <dir>', 'folder of the run, such as runs/brain9')
    .requiredOption('--input <image>', 'image (.nii, .nii.gz, .npy), or a folder of images')
    .requiredOption('--output <segmentation>', 'file to write, .nii or .nii.gz; a folder for a folder')
    .option('--weights <file>', 'safetensors file to take the weights from; else those of the run');
  for (const { flag, value, key } of inferenceFlags) {
    const allowed = describeAllowed(nodeAt(parseKeyPath(key)!)!);
    command.addOption(new Option(`--${flag} <${value}>`, `${key}: ${allowed}`).argParser(oneValue));
  }
  for (const option of runFileOptions(['workers', 'memory', 'engine', 'threads'])) command.addOption(option);
  return command
    .addOption(setOption())
    .option('--probabilities', 'write the probability of every class, too: <segmentation>_probabilities')
    .option('--force', 'write over outputs that exist')
    .option('--json', 'print events as JSON lines, the result last')
    .addHelpText('after', example)
    .action(async (flags: Flags & RunFileFlags) => {
      checkFlags(flags);
      await predictFiles(flags, context);
    });
}

async function predictFiles(flags: Flags & RunFileFlags, context: CliContext): Promise<void> {
  const { out, err, services } = context;
  const { run, input, output, weights } = flags;
  const reporter = predictReporter(out, { json: flags.json === true });
  try {
    const result = await interruptible(err, (signal) =>
      services.predict({
        ...{ runDirectory: run, input, output, signal, report: reporter.report },
        overrides: [...overridesOf(flags), ...inferenceOverrides(flags)],
        ...{ probabilities: flags.probabilities === true, force: flags.force === true },
        ...(weights === undefined ? {} : { weights }),
      }),
    );
    reporter.stop();
    out.write(flags.json ? `${JSON.stringify({ kind: 'result', ...result })}\n` : describePrediction(result));
    if (result.files.some(({ status }) => status === 'failed')) context.exitCode = exitCodes.failed;
  } finally {
    reporter.stop();
  }
}

/** `96,96,96` is a list, as YAML writes it. */
function inferenceOverrides(flags: RunFileFlags): readonly string[] {
  const given = inferenceFlags.flatMap(({ name, flag, key }) => {
    const text = flags[name];
    return typeof text === 'string' ? [{ flag, override: `${key}=${text.includes(',') ? `[${text}]` : text}` }] : [];
  });
  const windows = given.filter(({ flag }) => flag !== 'mode');
  if (flags['mode'] === 'whole' && windows.length > 0)
    throw new InputError(`--${windows[0]!.flag} is for windows, and --mode is whole; take one of the two away`);
  const implied = flags['mode'] === undefined && windows.length > 0 ? ['inference.mode=sliding'] : [];
  return [...implied, ...given.map(({ override }) => override)];
}

function oneValue(value: string): string {
  if (/^[\w.,\- ]+$/.test(value)) return value;
  throw new InvalidArgumentError('Give a word, a number, or numbers with commas between.');
}

/** What can be said before anything is loaded. */
function checkFlags({ run, input, output, weights, force }: Flags): void {
  if (!existsSync(join(run, runFiles.run))) throw noRun(run, runFiles.run);
  if (weights === undefined && !existsSync(join(run, runFiles.weights))) throw noRun(run, runFiles.weights);
  if (weights !== undefined && !existsSync(weights))
    throw new InputError(`--weights ${weights}: there is no such file`);
  if (!existsSync(input)) throw new InputError(`--input ${input}: there is no such file or folder`);
  if (resolve(input) === resolve(output))
    throw new InputError(`--output ${output}: that is the input; give another ${isFolder(input) ? 'folder' : 'file'}`);
  if (isFolder(input)) {
    if (existsSync(output) && !isFolder(output))
      throw new InputError(`--output ${output}: that is a file; give a folder, as --input is one`);
  } else checkOutputFile(output, force);
}

function checkOutputFile(output: string, force: true | undefined): void {
  if (!/\.nii(\.gz)?$/.test(output))
    throw new InputError(`--output ${output}: give a name that ends in .nii or .nii.gz`);
  if (!existsSync(dirname(output)))
    throw new InputError(`--output ${output}: there is no folder ${dirname(output)}; make it first`);
  if (existsSync(output) && !force)
    throw new InputError(`--output ${output}: exists already; give another, or --force to write over it`);
}

const isFolder = (path: string): boolean => statSync(path).isDirectory();

const noRun = (run: string, file: string): InputError =>
  new InputError(`--run ${run}: there is no ${file} in it; give the folder of a finished run, such as runs/brain9`);
