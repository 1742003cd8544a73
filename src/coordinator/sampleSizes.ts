import type { CaseSpec, RunFile } from '../config/runFile.ts';
import { isRandom, transformSteps, type TransformStep } from '../config/transformList.ts';
import { caseFiles } from '../data/caseFiles.ts';
import { caseHeader } from '../data/caseHeaders.ts';
import { loadImage, type Grid } from '../data/dataset.ts';
import { sampleSize } from '../data/sample.ts';
import type { Model } from '../models/cell.ts';

/** What a training image gives: its samples along x, y, z. */
export interface SampleSize {
  /** The image, or the key that says the size. */
  readonly file: string;
  readonly size: readonly [number, number, number];
}

/** Of random images, where a run is on these. */
export const syntheticSizes = ({ data }: RunFile): SampleSize[] =>
  data.synthetic ? [{ file: 'data.synthetic', size: triple(data.synthetic) }] : [];

/** The size of crops, where the run file says it. */
export const patchSizes = ({ data: { patch_size: patch } }: RunFile): SampleSize[] =>
  patch === 'whole' ? [] : [{ file: 'data.patch_size', size: triple(patch) }];

const triple = ([x = 1, y = 1, z = 1]: readonly number[]): SampleSize['size'] => [x, y, z];

/**
 * The sizes of all samples. Checks by headers alone that each case's files are there and belong together; an image is read only
 * where its size follows from its voxels, one at a time, and none is kept.
 */
export async function sizesOfCases(run: RunFile, model: Model, baseDirectory: string): Promise<SampleSize[]> {
  const sizes: SampleSize[] = [];
  let first: unknown;
  for (const entry of run.data.train)
    try {
      sizes.push(await sizeOfCase(entry, run, model, baseDirectory));
    } catch (error) {
      // Whoever draws from it will tell; but something must be left.
      if (run.data.unreadable === 'stop') throw error;
      first ??= error;
    }
  if (sizes.length === 0 && first !== undefined) throw first;
  return sizes;
}

async function sizeOfCase(entry: CaseSpec, run: RunFile, model: Model, baseDirectory: string): Promise<SampleSize> {
  const files = caseFiles(entry, baseDirectory);
  const grid = await caseHeader(files, { ...run.data, channels: model.inChannels });
  const { size } = followsFromVoxels(run) ? await transformed(files.images, run) : grid;
  return { file: files.images[0]!, size: sampleSize(cropped(size, run), { ...run.data, ...model }) };
}

/** Whether an image has to be read to know the size of its samples. */
const followsFromVoxels = ({ data }: RunFile): boolean =>
  data.patch_size === 'whole' &&
  !askedSize(data).every((length) => length > 0) &&
  !transformSteps(data.transforms).every(({ step }) => isRandom(step) || intensityOnly.has(step.name));

const intensityOnly: ReadonlySet<TransformStep['name']> = new Set(['NormalizeIntensity', 'ScaleIntensityRange']);

/** What the random transforms leave of an image, where they say it. */
const cropped = (size: SampleSize['size'], { data }: RunFile): SampleSize['size'] => {
  const [x, y, z] = askedSize(data);
  return [x || size[0], y || size[1], z || size[2]];
};

/** Along each axis the size that the last random transform says that says one; 0 where none does. */
const askedSize = ({ transforms }: RunFile['data']): SampleSize['size'] => {
  const asked = transformSteps(transforms).flatMap(({ step }) =>
    isRandom(step) && 'spatial_size' in step && step.spatial_size ? [step.spatial_size] : [],
  );
  const along = (axis: 0 | 1 | 2): number => asked.findLast((size) => (size[axis] ?? 0) > 0)?.[axis] ?? 0;
  return [along(0), along(1), along(2)];
};

async function transformed(images: readonly string[], { data }: RunFile): Promise<Pick<Grid, 'size'>> {
  const { image } = await loadImage(images, data);
  return image;
}
