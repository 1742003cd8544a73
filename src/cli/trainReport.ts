import type { RunFile } from '../config/runFile.ts';
import { caseFiles } from '../data/caseFiles.ts';
import type { TrainResult } from './services.ts';
import { listFiles, runFiles } from '../telemetry/runDirectory.ts';
import { formatTable } from '../telemetry/table.ts';
import { formatBytes, formatCount, formatDuration } from '../telemetry/units.ts';

/** How good the network is, by structure, what that figure means, and how long it took. */
export function describeResult(run: RunFile, baseDirectory: string, result: TrainResult): string {
  const speed = `${formatCount(result.steps, 'step')} in ${formatDuration(result.seconds)}, ${result.samplesPerSecond.toFixed(2)} samples/s`;
  const parts = result.dice && result.meanDice !== undefined ? [describeDice(result.dice, result.meanDice)] : [];
  return [...parts, describeValidation(run, baseDirectory, result.undeformedDice), speed].join('\n\n');
}

function describeDice(dice: Readonly<Record<string, number>>, mean: number): string {
  const row = (name: string, value: number): string[] => [name, Number.isNaN(value) ? 'absent' : value.toFixed(3)];
  return formatTable(
    [{ title: 'structure' }, { title: 'Dice', align: 'right' }],
    [...Object.entries(dice).map(([name, value]) => row(name, value)), row('mean', mean)],
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
  [runFiles.metrics]: 'loss and Dice, one JSON line a step and a validation',
  [runFiles.weights]: 'the best parameters, by name',
  [runFiles.lastWeights]: 'the parameters after the last step',
  [runFiles.image]: 'the validation image, deformed',
  [runFiles.truth]: 'its true labels',
  [runFiles.segmentation]: 'the predicted segmentation',
  [runFiles.picture]: 'prediction and truth over three slices',
};

/** The files that a run left behind. */
export function describeFiles(directory: string): string {
  const rows = listFiles(directory).map(({ name, bytes }) => [`  ${name}`, formatBytes(bytes), meanings[name] ?? '']);
  return `${directory}/\n${formatTable([{}, { align: 'right' }, {}], rows)}`;
}
