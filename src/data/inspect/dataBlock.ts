import { classesLine } from '../sets/classes.ts';
import { labelNames, type DataSet } from '../sets/dataSet.ts';
import type { InspectedImage, Inspection } from './inspection.ts';

/** The `data:` block of a run file for a data set, ready to paste, with what the model must be. */
export function dataBlock(set: DataSet, { cases }: Inspection): string {
  const names = labelNames(set.labels);
  const images = cases.flatMap(({ image }) => image ?? []);
  const channels = set.channels?.length ?? images[0]?.channels ?? 1;
  return [
    `# model: in_channels: ${channels}, out_channels: ${names.length}`,
    'data:',
    `  dataset: ${JSON.stringify(set.folder)}`,
    `  ${classesLine(names)}`,
    ...(set.validation.length === 0 && set.train.length > 1 ? [splitLine(set.train.length)] : []),
    ...transformLines(images),
  ].join('\n');
}

const splitLine = (cases: number): string =>
  `  split: { by: seed, validation: ${Math.round(0.2 * cases) > 0 ? 0.2 : 0.5} }`;

/** What brings images to one grid, where they differ. */
function transformLines(images: readonly InspectedImage[]): readonly string[] {
  const turned = new Set(images.map(({ axes }) => axes)).size > 1;
  const spacings = images.map(spacingInSpace);
  const resampled = new Set(spacings.map((spacing) => spacing.join())).size > 1;
  if (!turned && !resampled) return [];
  const middle = [0, 1, 2].map((axis) => median(spacings.map((spacing) => spacing[axis]!)));
  return [
    '  transforms:',
    // Only of images that lie alike can the spacing be told axis by axis.
    '    - { name: Orientation, axcodes: RAS }',
    ...(resampled ? [`    - { name: Spacing, pixdim: [${middle.join(', ')}] }`] : []),
    '    - { name: NormalizeIntensity, nonzero: true, channel_wise: true }',
  ];
}

/** Along right, anterior and superior, to two digits. */
const spacingInSpace = ({ axes, spacing }: InspectedImage): readonly number[] =>
  ['RL', 'AP', 'SI'].map((ends) => Number(spacing[axes.search(new RegExp(`[${ends}]`))]!.toPrecision(2)));

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[(values.length - 1) >> 1]!;
