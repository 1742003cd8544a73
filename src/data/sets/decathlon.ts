import { join } from 'node:path';
import { z } from 'zod';
import { nameOf } from '../caseFiles.ts';
import { DataError } from '../dataError.ts';
import { byName, type DataSet, type NamedCase } from './dataSet.ts';
import { entriesOf, isFile, readDescription } from './description.ts';

const description = z.looseObject({
  modality: z.record(z.string(), z.string()),
  labels: z.record(z.string().regex(/^\d+$/, 'the key of a label is its value'), z.string().min(1)),
  training: z.array(z.looseObject({ image: z.string().min(1), label: z.string().min(1) })),
});

/**
 * A data set as the Medical Segmentation Decathlon has them: dataset.json with `modality`, `labels` (value → name) and `training`;
 * several channels are a 4D file. Where there is a file a channel (`case_0000.nii.gz`) instead, as in the first nnU-Net, those.
 */
export function readDecathlon(folder: string): DataSet {
  const { modality, labels, training } = readDescription(folder, description);
  const channels = Object.entries(modality)
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, name]) => name);
  const values = new Map<string, number[]>();
  for (const [value, name] of Object.entries(labels)) values.set(name, [...(values.get(name) ?? []), Number(value)]);
  if (training.length === 0)
    throw new DataError(join(folder, 'dataset.json'), 'its list `training` is empty', 'Give a data set with labels');
  const train = training.map(({ image, label }): NamedCase => ({
    name: nameOf(image),
    image: imageOf(folder, image, channels.length),
    label: join(folder, label),
  }));
  return {
    ...{ format: 'decathlon', folder, channels, validation: [] },
    labels: { kind: 'values', values: Object.fromEntries(values) },
    train: train.toSorted(byName),
    faults: unlisted(folder, train),
  };
}

function imageOf(folder: string, image: string, channels: number): string | string[] {
  const whole = join(folder, image);
  if (isFile(whole)) return whole;
  const parts = Array.from({ length: channels }, (_, channel) =>
    whole.replace(/(\.nii(\.gz)?|\.npy)$/, `_${String(channel).padStart(4, '0')}$1`),
  );
  return isFile(parts[0]!) ? parts : whole;
}

/** Labels that nobody would learn. */
function unlisted(folder: string, train: readonly NamedCase[]): DataSet['faults'] {
  const listed = new Set(train.map(({ label }) => label));
  return entriesOf(join(folder, 'labelsTr'))
    .map((file) => join(folder, 'labelsTr', file))
    .filter((file) => /\.(nii(\.gz)?|npy)$/.test(file) && !listed.has(file))
    .map((file) => ({ file, problem: 'it is not listed in dataset.json (training)' }));
}
