import { largestOffset, spacingOf } from '../../data/affine.ts';
import { DataError } from '../../data/dataError.ts';
import { classIndices, type LabelOptions } from '../../data/labels.ts';
import { readVolume, type ReadOptions } from '../../data/readVolume.ts';
import type { Volume } from '../../data/volume.ts';

/** A prediction and a truth that do not lie on the same grid. */
export class GridMismatchError extends Error {
  override readonly name = 'GridMismatchError';
  readonly prediction: string;
  readonly truth: string;

  constructor(prediction: string, truth: string, problem: string) {
    super(
      `${prediction} and ${truth} do not lie on the same grid: ${problem}. Resample the prediction to the truth's grid by nearest neighbour; what lamp predict writes lies on its image's grid`,
    );
    this.prediction = prediction;
    this.truth = truth;
  }
}

export interface LabelFileOptions extends ReadOptions {
  /** Names, background first; where absent, every value is a structure of its own. */
  readonly classes?: readonly string[];
  /** What the values of the truth mean, where they are not indices of classes. */
  readonly truthLabelMap?: LabelOptions['label_map'];
}

export interface LabelPair {
  readonly classes: readonly string[];
  readonly prediction: Volume<Uint8Array>;
  readonly truth: Volume<Uint8Array>;
}

/** Headers round: grids are the same up to this share of a voxel. */
const GRID_TOLERANCE = 0.1;

/** Reads two label maps of one grid. Throws an error of the file, or a GridMismatchError. */
export async function readLabelPair(
  files: { readonly prediction: string; readonly truth: string },
  { classes, truthLabelMap, npy_spacing }: LabelFileOptions,
): Promise<LabelPair> {
  const [prediction, truth] = [
    await readLabels(files.prediction, npy_spacing),
    await readLabels(files.truth, npy_spacing),
  ];
  checkGrids(files, prediction, truth);
  const names = classes ? { classes } : namesOfValues(files.truth, [prediction, truth]);
  const indexed = (file: string, volume: Volume, options: LabelOptions): Volume<Uint8Array> => ({
    ...volume,
    values: classIndices(file, volume.values, options),
  });
  return {
    classes: names.classes,
    prediction: indexed(files.prediction, prediction, names),
    truth: indexed(files.truth, truth, truthLabelMap ? { ...names, label_map: truthLabelMap } : names),
  };
}

async function readLabels(file: string, npy_spacing: ReadOptions['npy_spacing']): Promise<Volume> {
  const { volume } = await readVolume(file, { npy_spacing });
  if (volume.channels !== 1)
    throw new DataError(
      file,
      `a label map has one channel, and this has ${volume.channels}`,
      'Give a 3D label map, not probabilities',
    );
  return volume;
}

function checkGrids(
  files: { readonly prediction: string; readonly truth: string },
  prediction: Volume,
  truth: Volume,
): void {
  const mismatch = (problem: string): GridMismatchError =>
    new GridMismatchError(files.prediction, files.truth, problem);
  if (prediction.size.some((length, axis) => length !== truth.size[axis]))
    throw mismatch(`the first has ${prediction.size.join(' × ')} voxels, the second ${truth.size.join(' × ')}`);
  const apart = largestOffset(truth.affine, prediction.affine, truth.size);
  const voxel = Math.min(...spacingOf(truth.affine));
  if (apart > GRID_TOLERANCE * voxel)
    throw mismatch(
      `their affines lay voxels up to ${apart.toPrecision(3)} mm apart (a voxel is ${voxel.toPrecision(3)} mm)`,
    );
}

/** A class for each value that is found, `label 3` of 3. */
function namesOfValues(file: string, volumes: readonly Volume[]): LabelOptions {
  const values = new Set<number>();
  for (const { values: voxels } of volumes)
    for (const value of voxels) {
      values.add(value);
      if (values.size > 256)
        throw new DataError(
          file,
          'it and its prediction hold more than 256 values',
          'Say with --classes which are labels',
        );
    }
  const labels = [...values].filter((value) => value !== 0).toSorted((a, b) => a - b);
  const named = labels.map((value) => [`label ${value}`, [value]] as const);
  return { classes: ['background', ...named.map(([name]) => name)], label_map: Object.fromEntries(named) };
}
