import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeNifti } from '../nifti/write.ts';
import { drawPhantom, type PhantomOptions } from './phantom.ts';
import { PHANTOM_CLASSES } from './structures.ts';

export interface PhantomDatasetOptions extends Omit<PhantomOptions, 'index'> {
  /** The folder, which is made. */
  readonly directory: string;
  /** Cases to train on. */
  readonly cases: number;
  /** Cases to test on, of which the labels lie beside, in labelsTs. */
  readonly test: number;
  readonly signal: AbortSignal;
  /** Called as each case is written. */
  readonly report: (written: WrittenPhantom) => void;
}

export interface WrittenPhantom {
  readonly name: string;
  /** How many are written, and how many there will be. */
  readonly count: number;
  readonly of: number;
  /** Organs that fell between the voxels. */
  readonly missing: readonly string[];
}

const FOLDERS = ['imagesTr', 'labelsTr', 'imagesTs', 'labelsTs'] as const;

/** Draws phantoms and writes them as the Medical Segmentation Decathlon lays out its data: the same options, the same files. */
export async function writePhantomDataset(options: PhantomDatasetOptions): Promise<void> {
  const { directory, cases, test, signal, report } = options;
  for (const folder of FOLDERS) await mkdir(join(directory, folder), { recursive: true });
  for (let index = 0; index < cases + test; index++) {
    signal.throwIfAborted();
    const { image, labels } = drawPhantom({ ...options, index });
    const [file, part] = [fileOf(index), index < cases ? 'Tr' : 'Ts'];
    await Promise.all([
      writeNifti(join(directory, `images${part}`, file), image),
      writeNifti(join(directory, `labels${part}`, file), labels),
    ]);
    const missing = PHANTOM_CLASSES.filter((_, label) => !labels.values.includes(label));
    report({ name: nameOf(index), count: index + 1, of: cases + test, missing });
  }
  // Last, so that a folder with a description is a whole one.
  await writeFile(join(directory, 'dataset.json'), `${JSON.stringify(describe(options), undefined, 2)}\n`);
}

const nameOf = (index: number): string => `phantom_${String(index).padStart(3, '0')}`;
const fileOf = (index: number): string => `${nameOf(index)}.nii.gz`;

function describe({ cases, test, seed, noise, bias }: PhantomDatasetOptions): unknown {
  const training = Array.from({ length: cases }, (_, index) => ({
    image: `./imagesTr/${fileOf(index)}`,
    label: `./labelsTr/${fileOf(index)}`,
  }));
  return {
    name: 'phantom',
    description: `Drawn heads with nine organs (seed ${seed}, noise ${noise}, bias field ${bias}); no patient's data`,
    reference: 'lamp phantom',
    tensorImageSize: '3D',
    modality: { 0: 'MRI' },
    labels: Object.fromEntries(PHANTOM_CLASSES.map((name, index) => [String(index), name])),
    numTraining: cases,
    numTest: test,
    training,
    test: Array.from({ length: test }, (_, i) => `./imagesTs/${fileOf(cases + i)}`),
  };
}
