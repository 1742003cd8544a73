import { join } from 'node:path';
import { z } from 'zod';
import { DataError } from '../dataError.ts';
import { byName, type DataSet, type NamedCase } from './dataSet.ts';
import { entriesOf, readDescription } from './description.ts';

const value = z.number().int().min(0);

const description = z.looseObject({
  channel_names: z.record(z.string(), z.string()),
  labels: z.record(z.string().min(1), z.union([value, z.array(value).min(1)])),
  file_ending: z.string().startsWith('.'),
  dataset: z
    .record(z.string(), z.looseObject({ images: z.array(z.string()).min(1), label: z.string().min(1) }))
    .optional(),
});

/** What we read. */
const ENDINGS = ['.nii.gz', '.nii', '.npy'];

/**
 * A data set as nnU-Net (version 2) has them: `imagesTr/case_0000.nii.gz`, a file a channel, and `labelsTr/case.nii.gz`;
 * dataset.json with `channel_names`, `labels` (name → value, or values of a region) and `file_ending`.
 */
export function readNnunet(folder: string): DataSet {
  const said = readDescription(folder, description);
  const { file_ending: ending } = said;
  const json = join(folder, 'dataset.json');
  if (!ENDINGS.includes(ending))
    throw new DataError(json, `its file_ending is ${ending}`, `Convert the images to one of ${ENDINGS.join(', ')}`);
  const channels = Object.entries(said.channel_names)
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, name]) => name);
  const { cases, faults } = said.dataset
    ? { cases: listed(folder, said.dataset), faults: [] }
    : found(folder, ending, channels.length);
  if (cases.length === 0)
    throw new DataError(
      folder,
      `there is no image that ends in ${ending} in imagesTr`,
      `Correct file_ending in ${json}`,
    );
  const values = Object.entries(said.labels).map(([name, of]) => [name, typeof of === 'number' ? [of] : of] as const);
  return {
    ...{ format: 'nnunet', folder, channels, validation: [], faults },
    labels: { kind: 'values', values: Object.fromEntries(values) },
    train: cases.toSorted(byName),
  };
}

function listed(folder: string, cases: NonNullable<z.output<typeof description>['dataset']>): NamedCase[] {
  return Object.entries(cases).map(([name, { images, label }]) => ({
    name,
    image: images.map((file) => join(folder, file)),
    label: join(folder, label),
  }));
}

/** Every case of which there is an image or a label; what it lacks is found when its files are looked for. */
function found(
  folder: string,
  ending: string,
  channels: number,
): { cases: NamedCase[]; faults: { file: string; problem: string }[] } {
  const at = (set: string): string[] => entriesOf(join(folder, set)).filter((file) => file.endsWith(ending));
  const faults: { file: string; problem: string }[] = [];
  const names = new Set(at('labelsTr').map((file) => file.slice(0, -ending.length)));
  for (const file of at('imagesTr')) {
    const [, name, channel] = /^(.+)_(\d{4})$/.exec(file.slice(0, -ending.length)) ?? [];
    const problem =
      name === undefined
        ? `its name does not end in the number of a channel (_0000${ending})`
        : Number(channel) >= channels
          ? `it is of channel ${Number(channel)}, and dataset.json names ${channels}, counted from 0`
          : undefined;
    if (problem !== undefined) faults.push({ file: join(folder, 'imagesTr', file), problem });
    else names.add(name!);
  }
  const cases = [...names].map((name): NamedCase => ({
    name,
    image: Array.from({ length: channels }, (_, channel) =>
      join(folder, 'imagesTr', `${name}_${String(channel).padStart(4, '0')}${ending}`),
    ),
    label: join(folder, 'labelsTr', name + ending),
  }));
  return { cases, faults };
}
