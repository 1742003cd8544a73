import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { niftiFile, type NiftiFileSpec } from './niftiFile.ts';
import { npyFile, type NpyFileSpec } from './npyFile.ts';

/** Files of a data set under a folder of a test. */
export class Folder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true });
  }

  put(name: string, bytes: string | Uint8Array): this {
    const file = join(this.path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    return this;
  }

  json(name: string, content: unknown): this {
    return this.put(name, JSON.stringify(content));
  }

  nifti(name: string, spec: Partial<NiftiFileSpec> = {}): this {
    return this.put(name, niftiFile({ dim: [2, 2, 1], values: [0, 1, 2, 1], packed: name.endsWith('.gz'), ...spec }));
  }

  npy(name: string, spec: Partial<NpyFileSpec> = {}): this {
    return this.put(name, npyFile({ shape: [1, 2, 2], values: [0, 1, 1, 0], ...spec }));
  }
}

/** Two cases of one channel with two labels. */
export function decathlon(path: string, others: object = {}): Folder {
  const names = ['b', 'a'];
  const folder = new Folder(path).json('dataset.json', {
    modality: { 0: 'CT' },
    labels: { 0: 'background', 1: 'liver', 2: 'tumour' },
    training: names.map((name) => ({
      image: `./imagesTr/liver_${name}.nii.gz`,
      label: `./labelsTr/liver_${name}.nii.gz`,
    })),
    test: ['./imagesTs/liver_c.nii.gz'],
    ...others,
  });
  for (const [index, name] of names.entries())
    folder
      .nifti(`imagesTr/liver_${name}.nii.gz`, { type: 'int16', values: [0, 5 + index, 6, 7] })
      .nifti(`labelsTr/liver_${name}.nii.gz`);
  return folder;
}

/** Two cases of two channels with two labels. */
export function nnunet(path: string, others: object = {}): Folder {
  const folder = new Folder(path).json('dataset.json', {
    channel_names: { 0: 'T1', 1: 'T2' },
    labels: { background: 0, edema: 2, core: 1 },
    file_ending: '.nii.gz',
    numTraining: 2,
    ...others,
  });
  for (const [index, name] of ['case_2', 'case_1'].entries())
    folder
      .nifti(`imagesTr/${name}_0000.nii.gz`, { type: 'int16', values: [1, 2 + index, 3, 4] })
      .nifti(`imagesTr/${name}_0001.nii.gz`, { type: 'int16', values: [4, 3 - index, 2, 1] })
      .nifti(`labelsTr/${name}.nii.gz`);
  return folder;
}

/** Two cases to train on, one of which lacks a mask, and one that validates. */
export function han(path: string): Folder {
  const folder = new Folder(path);
  for (const [index, name] of ['train/p1', 'train/p2', 'test/p9'].entries())
    folder
      .npy(`${name}/img_crp_v2.npy`, { descr: '<i2', values: [index, 7, 8, 9] })
      .npy(`${name}/structures/Chiasm_crp_v2.npy`);
  return folder.npy('train/p1/structures/BrainStem_crp_v2.npy', { values: [1, 0, 0, 0] });
}
