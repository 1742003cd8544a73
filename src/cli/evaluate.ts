import { existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { loadRunFile } from '../config/loadRunFile.ts';
import type { EvaluateOptions } from '../inference/evaluate/evaluate.ts';
import { runFiles } from '../telemetry/runDirectory.ts';
import type { CliContext } from './context.ts';
import { describeCase, describeEvaluation, evaluationCsv, evaluationJson } from './evaluateReport.ts';
import { exitCodes, InputError } from './exit.ts';
import { interruptible } from './interrupt.ts';

interface Flags {
  readonly prediction: string;
  readonly truth: string;
  readonly run?: string;
  readonly classes?: readonly string[];
  readonly labelMap?: true;
  readonly tolerance: number;
  readonly countEmpty?: true;
  readonly csv?: string;
  readonly json?: true;
}

const example = `
Distances are in mm, volumes in ml; meanings are MONAI's. A structure that is absent from the truth has no figures (NaN). One
that the prediction alone lacks has a Dice of 0 and infinite distances, of which HD95, a percentile, is NaN. Means are over
what is finite, and what is not is counted beside them. In JSON, NaN is null and infinity "Infinity".
Of two folders the files with one name are a case. Exit code 1 where a case could not be evaluated.

Examples:
  $ lamp evaluate --prediction segmentation.nii.gz --truth labels.nii.gz --run runs/brain9
  $ lamp evaluate --prediction segmentations --truth labelsTs --classes background,liver,tumour --tolerance 2 --csv figures.csv
`;

/** `lamp evaluate`: how well segmentations agree with the truth. */
export function evaluateCommand(context: CliContext): Command {
  return new Command('evaluate')
    .description('compare segmentations with the truth: Dice, surface distances, volumes')
    .requiredOption('--prediction <path>', 'segmentation (.nii, .nii.gz, .npy), or a folder of them')
    .requiredOption('--truth <path>', 'true labels of the same grid, or a folder of them')
    .option('--run <dir>', 'folder of the run that the classes are from')
    .option('--classes <names>', 'names of classes 0, 1, 2 …, background first; else a structure a value', parseNames)
    .option('--label-map', "the truth holds values of the run's data.label_map, not indices of classes")
    .option('--tolerance <mm>', 'of the surface Dice', parseTolerance, 1)
    .option('--count-empty', 'a structure absent from the truth has a Dice: 1 if from the prediction too, else 0')
    .option('--csv <file>', 'write the figures of every case and structure')
    .option('--json', 'print a JSON line a case, the summary last')
    .addHelpText('after', example)
    .action(async (flags: Flags) => evaluateFiles(flags, context));
}

async function evaluateFiles(flags: Flags, context: CliContext): Promise<void> {
  const { out, err } = context;
  const options = optionsOf(flags);
  if (flags.csv !== undefined) checkCsv(flags.csv);
  const { evaluate } = await import('../inference/evaluate/evaluate.ts');
  const evaluation = await interruptible(err, (signal) =>
    evaluate({
      ...options,
      signal,
      report: (event) => void out.write(flags.json ? evaluationJson(event) : describeCase(event)),
    }),
  );
  if (flags.csv !== undefined) writeFileSync(flags.csv, evaluationCsv(evaluation));
  out.write(flags.json ? evaluationJson({ kind: 'result', ...evaluation }) : describeEvaluation(evaluation));
  if (evaluation.failed.length > 0) context.exitCode = exitCodes.failed;
}

/** The classes are those of the run, or those that are named. */
function optionsOf(flags: Flags): Omit<EvaluateOptions, 'signal' | 'report'> {
  const { prediction, truth, tolerance, run, classes, labelMap } = flags;
  const common = { prediction, truth, tolerance, countEmpty: flags.countEmpty === true };
  if (run !== undefined && classes !== undefined)
    throw new InputError('--run and --classes both say what the classes are; take one of the two away');
  if (run === undefined) {
    if (labelMap) throw new InputError('--label-map is about the run file: give its folder with --run');
    return { ...common, ...(classes ? { classes } : {}) };
  }
  const file = join(run, runFiles.run);
  if (!existsSync(file))
    throw new InputError(
      `--run ${run}: there is no ${runFiles.run} in it; give the folder of a run, such as runs/brain9`,
    );
  const { data } = loadRunFile(file, [], { checkFiles: false }).run;
  if (labelMap && !data.label_map) throw new InputError(`--label-map: ${file} has no data.label_map`);
  return {
    ...common,
    classes: data.classes,
    npy_spacing: data.npy_spacing,
    ...(labelMap ? { truthLabelMap: data.label_map } : {}),
  };
}

function checkCsv(file: string): void {
  if (!existsSync(dirname(file)))
    throw new InputError(`--csv ${file}: there is no folder ${dirname(file)}; make it first`);
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw new InputError(`--csv ${file}: that is a folder; give the name of a file`);
}

function parseNames(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.length < 2 || names.includes('') || new Set(names).size < names.length)
    throw new InvalidArgumentError('Give two or more different names, such as background,liver,tumour.');
  return names;
}

function parseTolerance(text: string): number {
  const n = Number(text);
  if (text.trim() === '' || !Number.isFinite(n) || n < 0)
    throw new InvalidArgumentError('Give a number of mm of at least 0.');
  return n;
}
