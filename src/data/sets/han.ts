import { join } from 'node:path';
import { DataError } from '../dataError.ts';
import type { DataSet, NamedCase } from './dataSet.ts';
import { entriesOf, isFolder } from './description.ts';

const IMAGE = 'img_crp_v2.npy';
const MASK = /^(.+)_crp_v2\.npy$/;

/**
 * LAMP's head and neck data: `train/<case>/img_crp_v2.npy` with a mask a structure in `structures/<Name>_crp_v2.npy`, any of
 * which may be missing; the cases of `test/` validate.
 */
export function readHan(folder: string): DataSet {
  const train = casesIn(join(folder, 'train'));
  const validation = casesIn(join(folder, 'test'));
  const names = new Set([...train, ...validation].flatMap(({ label }) => Object.keys(label)));
  if (train.length === 0)
    throw new DataError(join(folder, 'train'), 'there is no case in it', 'Give the folder of HaN');
  if (names.size === 0)
    throw new DataError(folder, 'no case has a structures/<Name>_crp_v2.npy', 'Give the masks of the structures');
  return {
    ...{ format: 'han', folder, channels: undefined, train, validation, faults: [] },
    labels: { kind: 'masks', names: [...names].toSorted() },
  };
}

const casesIn = (folder: string): NamedCase[] =>
  entriesOf(folder)
    .filter((name) => isFolder(join(folder, name)))
    .map((name) => ({ name, image: join(folder, name, IMAGE), label: masksIn(join(folder, name, 'structures')) }));

function masksIn(folder: string): Record<string, string> {
  const masks = entriesOf(folder).flatMap((file) => {
    const name = MASK.exec(file)?.[1];
    return name === undefined ? [] : [[name, join(folder, file)] as const];
  });
  return Object.fromEntries(masks);
}

/** Whether a folder looks like it. */
export const isHan = (folder: string): boolean =>
  entriesOf(join(folder, 'train')).some((name) => {
    const files = entriesOf(join(folder, 'train', name));
    return files.includes(IMAGE) || files.includes('structures');
  });
