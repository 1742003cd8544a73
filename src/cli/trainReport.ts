import { sep } from 'node:path';
import type { RunFile } from '../config/runFile.ts';
import { caseFiles } from '../data/caseFiles.ts';
import type { TrainResult } from './services.ts';
import {
  bestFolder,
  failuresFolder,
  listFiles,
  logsFolder,
  phasesFolder,
  runFiles,
} from '../telemetry/runDirectory.ts';
import { formatTable, type Column } from '../telemetry/table.ts';
import type { PhaseSummary } from '../telemetry/trainEvent.ts';
import { formatBytes, formatCount, formatDuration } from '../telemetry/units.ts';

/** How good the network is, by structure, what that figure means, and how long it took. */
export function describeResult(run: RunFile, baseDirectory: string, result: TrainResult): string {
  const speed = `${formatCount(result.steps, 'step')} in ${formatDuration(result.seconds)}, ${result.samplesPerSecond.toFixed(2)} samples/s`;
  const parts =
    result.dice && result.meanDice !== undefined
      ? [describeDice(result.dice, result.meanDice, result.phases.at(-1))]
      : [];
  if (result.phases.length > 1) parts.unshift(describePhases(result.phases));
  const skipped = result.skipped
    ? [`${formatCount(result.skipped.length, 'training case')} could not be used: ${result.skipped.join(', ')}`]
    : [];
  return [...parts, describeValidation(run, baseDirectory, result.undeformedDice), ...skipped, speed].join('\n\n');
}

/** Every structure's Dice in the best validation, and where another one was better for it alone, the best of its own. */
function describeDice(dice: Readonly<Record<string, number>>, mean: number, phase: PhaseSummary | undefined): string {
  const own = (name: string, value: number): string[] => {
    const best = phase?.structures[name];
    return best && best.dice > value ? [best.dice.toFixed(3), String(best.epoch)] : ['', ''];
  };
  const row = (name: string, value: number): string[] => [name, Number.isNaN(value) ? 'absent' : value.toFixed(3)];
  const rows = [
    ...Object.entries(dice).map(([name, value]) => [...row(name, value), ...own(name, value)]),
    [...row('mean', mean), '', ''],
  ];
  const right = (title: string): Column => ({ title, align: 'right' });
  const columns = [{ title: 'structure' }, right('Dice'), right('best by itself'), right('after epoch')];
  const others = rows.some(([, , best]) => best !== '');
  return formatTable(others ? columns : columns.slice(0, 2), others ? rows : rows.map((cells) => cells.slice(0, 2)));
}

function describePhases(phases: readonly PhaseSummary[]): string {
  const right = (title: string): Column => ({ title, align: 'right' });
  return formatTable(
    [{ title: 'phase' }, ...['epochs', 'steps', 'time', 'best mean Dice', 'after epoch'].map(right), { title: '' }],
    phases.map(({ phase = '', epochs, steps, seconds, best, stoppedEarly }) => [
      ...[phase, String(epochs), String(steps), formatDuration(seconds)],
      ...(best ? [best.meanDice.toFixed(3), String(best.epoch)] : ['', '']),
      stoppedEarly ? 'stopped early' : '',
    ]),
  );
}

/** What the validation of a run can and cannot say, from which images it was done on. */
export function describeValidation({ data }: RunFile, baseDirectory: string, undeformedDice?: number): string {
  const images = (cases: RunFile['data']['train']): Set<string> =>
    new Set(cases.flatMap((entry) => caseFiles(entry, baseDirectory).images.slice(0, 1)));
  const trained = images(data.train);
  const validated = images(data.validation);
  if (validated.size === 0)
    return 'There are no validation cases in the run file: how good the network is, is not known.';
  const seen = [...validated].filter((image) => trained.has(image)).length;
  const how = `segmented whole${describeDeformation(data.validation_deformation)}`;
  if (seen === 0) return `Measured on ${formatCount(validated.size, 'image')} that it was not trained on, ${how}.`;
  if (seen < validated.size)
    return `Measured on ${formatCount(validated.size, 'image')}, ${how}; it was also trained on ${seen} of them, so the figure is too good.`;
  const subjects =
    validated.size === 1
      ? 'There is one subject: measured on the very image'
      : `Measured on the very ${validated.size} images`;
  const byHeart =
    undeformedDice === undefined
      ? ''
      : ` The labels as they were before the deformation would score ${undeformedDice.toFixed(3)}.`;
  return `${subjects} that it was trained on, ${how}.${byHeart} This says how well it learnt what it saw, not how well it segments anybody else.`;
}

function describeDeformation(deformation: RunFile['data']['validation_deformation']): string {
  if (!deformation) return ', as it is';
  const { rotate, scale, elastic } = deformation;
  const parts = [
    rotate > 0 && `rotated by up to ${rotate}°`,
    scale > 0 && `scaled by up to ${Math.round(scale * 100)}%`,
    elastic > 0 && `bent by up to ${elastic} voxels`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? ', as it is' : `, under a deformation that training never drew (${parts.join(', ')})`;
}

const meanings: Readonly<Record<string, string>> = {
  [runFiles.run]: 'the run file as resolved',
  [runFiles.metrics]: 'loss and Dice, one JSON line a step, a validation and a phase',
  [runFiles.weights]: 'the best parameters, by name',
  [runFiles.lastWeights]: 'the parameters after the last step',
  [runFiles.image]: 'the validation image, deformed',
  [runFiles.truth]: 'its true labels',
  [runFiles.segmentation]: 'the predicted segmentation',
  [runFiles.picture]: 'prediction and truth over three slices',
};

function meaningOf(name: string): string {
  const [folder, file = ''] = name.split(sep);
  const of = decodeURIComponent(file.replace(/\.safetensors$/, ''));
  if (folder === bestFolder) return `the best parameters for ${of}`;
  if (folder === phasesFolder) return `the best parameters of phase ${of}`;
  if (folder === logsFolder) return 'what a process did, as lamp logs shows it';
  if (folder === failuresFolder) return 'what is known of a failure';
  return meanings[name] ?? '';
}

/** The files that a run left behind. */
export function describeFiles(directory: string): string {
  const rows = listFiles(directory).map(({ name, bytes }) => [`  ${name}`, formatBytes(bytes), meaningOf(name)]);
  return `${directory}/\n${formatTable([{}, { align: 'right' }, {}], rows)}`;
}
