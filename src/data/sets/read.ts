import { resolve } from 'node:path';
import { DataError } from '../dataError.ts';
import type { DataSet, DataSetFormat } from './dataSet.ts';
import { readDecathlon } from './decathlon.ts';
import { describes, entriesOf, isFolder } from './description.ts';
import { isHan, readHan } from './han.ts';
import { readNnunet } from './nnunet.ts';

const readers: Readonly<Record<DataSetFormat, (folder: string) => DataSet>> = {
  decathlon: readDecathlon,
  nnunet: readNnunet,
  han: readHan,
};

/** Lists the cases of a data set's folder, by absolute paths, in the form that its files tell unless one is given. Throws a DataError. */
export function readDataSet(path: string, format?: DataSetFormat): DataSet {
  const folder = resolve(path);
  if (!isFolder(folder)) throw new DataError(folder, 'there is no such folder', 'Give the folder of a data set');
  return readers[format ?? formatOf(folder)](folder);
}

function formatOf(folder: string): DataSetFormat {
  if (describes(folder, 'file_ending', 'channel_names')) return 'nnunet';
  if (describes(folder, 'modality', 'training')) return 'decathlon';
  if (isHan(folder)) return 'han';
  const seen = entriesOf(folder).slice(0, 8).join(', ') || 'nothing';
  throw new DataError(
    folder,
    `it is not to be told which data set this is: there is ${seen} in it`,
    'Give a folder with dataset.json (Decathlon, nnU-Net) or with train/<case>/img_crp_v2.npy (HaN), or say data.format (--format)',
  );
}
