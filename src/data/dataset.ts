import type { TransformSpec } from '../config/runFile.ts';
import { largestOffset, spacingOf } from './affine.ts';
import { nameOf, type CaseFiles } from './caseFiles.ts';
import { stackChannels, toFloats } from './channels.ts';
import { DataError } from './dataError.ts';
import { classIndices, voxelsByClass, type LabelOptions } from './labels.ts';
import { mergeMasks } from './masks.ts';
import { readVolume, type ReadOptions, type VolumeFile } from './readVolume.ts';
import { applyDeterministic } from './transforms/index.ts';
import type { Subject } from './transforms/transform.ts';
import type { Affine, Volume } from './volume.ts';

/** Where a volume came from: what a file on the same grid must say again. */
export type VolumeSource = Pick<VolumeFile, 'file' | 'version' | 'type' | 'orientation'>;

/** Where voxels lie: how many along x, y, z, and where in space. */
export interface Grid {
  readonly size: Volume['size'];
  readonly affine: Affine;
}

/** An image as the network is given it. */
export interface LoadedImage {
  readonly name: string;
  /** After the deterministic transforms. */
  readonly image: Volume<Float32Array>;
  readonly source: VolumeSource;
  /** The grid of the file, on which results are written. */
  readonly grid: Grid;
}

/** An image with the class of every voxel. */
export interface Case extends LoadedImage {
  readonly labels: Volume<Uint8Array>;
  /** Voxel indices of every class; those of the background are left out. */
  readonly voxels: readonly Uint32Array[];
  /** For every class, whether it is annotated in this image: what is not must not be learnt. */
  readonly annotated: readonly boolean[];
}

export interface ImageOptions extends ReadOptions {
  /** Channels that the network takes; unchecked when absent. */
  readonly channels?: number;
  readonly transforms: readonly TransformSpec[];
}

export interface CaseOptions extends ImageOptions, LabelOptions {
  /** Whether a structure without a mask is not annotated, or not there. `unannotated` unless given. */
  readonly missing_structures?: 'unannotated' | 'background';
}

/** Grids may differ by this share of a voxel, since headers round. */
const GRID_TOLERANCE = 0.1;

/** Reads an image, of one file or one a channel, and does its deterministic transforms. Throws a NiftiError, a NpyError or a DataError. */
export async function loadImage(files: readonly string[], options: ImageOptions): Promise<LoadedImage> {
  const { image, source } = await readImage(files, options);
  const { image: transformed } = applyDeterministic({ file: source.file, image }, options.transforms);
  return { name: nameOf(source.file), image: transformed, source, grid: { size: image.size, affine: image.affine } };
}

/** Reads a training or validation case and checks that image and label belong together. Throws a NiftiError, a NpyError or a DataError. */
export async function loadCase(files: CaseFiles, options: CaseOptions): Promise<Case> {
  const { image, source } = await readImage(files.images, options);
  const { labels, annotated } = await readLabels(files, image, options);
  const subject: Subject = applyDeterministic({ file: source.file, image, labels }, options.transforms);
  const transformed = subject.labels!;
  const voxels = voxelsByClass(transformed.values, options.classes.length);
  if (voxels.every((list) => list.length === 0))
    throw new DataError(
      typeof files.label === 'string' ? files.label : source.file,
      `no voxel belongs to any of ${options.classes.slice(1).join(', ')}`,
      'Give the label map of this image, or correct data.label_map',
    );
  const grid = { size: image.size, affine: image.affine };
  return { name: files.name, image: subject.image, source, grid, labels: transformed, voxels, annotated };
}

async function readImage(
  files: readonly string[],
  options: Pick<ImageOptions, 'channels' | 'npy_spacing'>,
): Promise<{ image: Volume<Float32Array>; source: VolumeSource }> {
  const [first, ...others] = files;
  const { volume, ...source } = await readVolume(first!, options);
  const parts = [toFloats(first!, volume)];
  for (const file of others) {
    const { volume: part } = await readVolume(file, options);
    checkGrid({ file, volume: part }, { file: first!, volume });
    parts.push(toFloats(file, part));
  }
  const image = stackChannels(parts);
  checkChannels(first!, image, options.channels);
  return { image, source };
}

export function checkChannels(
  file: string,
  { size, channels }: Pick<Volume, 'size' | 'channels'>,
  taken: number | undefined,
): void {
  if (taken === undefined || channels === taken) return;
  throw new DataError(
    file,
    `the image has ${channels} channels (its size is ${[...size, channels].join(' × ')}), and the model takes ${taken}`,
    taken === 1 ? 'Give a 3D image' : 'Give a 4D image or one file a channel, or set model.in_channels',
  );
}

/** The class of every voxel, from a label map or from masks. */
async function readLabels(
  { label, images }: CaseFiles,
  image: Volume,
  options: CaseOptions,
): Promise<{ labels: Volume<Uint8Array>; annotated: readonly boolean[] }> {
  const onGrid = async (file: string): Promise<Volume> => {
    const { volume } = await readVolume(file, options);
    checkLabelGrid({ file, volume }, { file: images[0]!, volume: image });
    return volume;
  };
  if (typeof label === 'string') {
    const volume = await onGrid(label);
    const values = classIndices(label, volume.values, options);
    return { labels: { ...volume, values }, annotated: options.classes.map(() => true) };
  }
  return mergeMasks(label, onGrid, image, options);
}

/** A file's grid. */
export interface Placed {
  readonly file: string;
  readonly volume: Grid;
}

export function checkLabelGrid(
  label: { readonly file: string; readonly volume: Grid & { readonly channels: number } },
  image: Placed,
): void {
  const { channels } = label.volume;
  if (channels !== 1)
    throw new DataError(label.file, `a label map has one channel, and this has ${channels}`, 'Give a 3D label map');
  checkGrid(label, image);
}

const RESAMPLE = 'Resample it to the grid of the image, a label map by nearest neighbour';

export function checkGrid({ file, volume }: Placed, against: Placed): void {
  const { size, affine } = against.volume;
  if (volume.size.some((length, axis) => length !== size[axis]))
    throw new DataError(
      file,
      `its size is ${volume.size.join(' × ')}, and that of ${against.file} is ${size.join(' × ')}`,
      RESAMPLE,
    );
  const apart = largestOffset(affine, volume.affine, size);
  const voxel = Math.min(...spacingOf(affine));
  if (apart > GRID_TOLERANCE * voxel)
    throw new DataError(
      file,
      `its affine lays voxels up to ${apart.toPrecision(3)} mm from where ${against.file} has them (a voxel is ${voxel.toPrecision(3)} mm)`,
      `${RESAMPLE}, or correct its header`,
    );
}
