import { basename } from 'node:path';
import { largestOffset, spacingOf } from './affine.ts';
import { DataError } from './dataError.ts';
import { classIndices, voxelsByClass, type LabelOptions } from './labels.ts';
import { readNifti, type NiftiImage } from './nifti/read.ts';
import { normalizeNonZero } from './normalize.ts';
import type { Volume } from './volume.ts';

/** Where a volume came from: what a file on the same grid must say again. */
export type VolumeSource = Pick<NiftiImage, 'file' | 'version' | 'type' | 'orientation'>;

/** An image as the network is given it. */
export interface LoadedImage {
  /** Name of the file without folder and endings. */
  readonly name: string;
  /** Normalized. */
  readonly image: Volume<Float32Array>;
  readonly source: VolumeSource;
}

/** An image with the class of every voxel. */
export interface Case extends LoadedImage {
  readonly labels: Volume<Uint8Array>;
  /** Voxel indices of every class; those of the background are left out. */
  readonly voxels: readonly Uint32Array[];
}

export interface CaseOptions extends LabelOptions {
  /** Channels that the network takes; unchecked when absent. */
  readonly channels?: number;
}

/** Grids may differ by this share of a voxel, since headers round. */
const GRID_TOLERANCE = 0.1;

/** Reads and normalizes an image: z-score of the non-zero voxels. Throws a NiftiError or a DataError. */
export async function loadImage(file: string, { channels }: { channels?: number } = {}): Promise<LoadedImage> {
  const { volume, ...source } = await readNifti(file);
  if (channels !== undefined && volume.channels !== channels)
    throw new DataError(
      file,
      `the image has ${volume.channels} channels (its size is ${[...volume.size, volume.channels].join(' × ')}), and the model takes ${channels}`,
      channels === 1 ? 'Give a 3D image' : 'Give a 4D image, or set model.in_channels',
    );
  return { name: nameOf(file), image: { ...volume, values: normalizeNonZero(file, volume) }, source };
}

/** Reads a training or validation case and checks that image and label belong together. Throws a NiftiError or a DataError. */
export async function loadCase(
  files: { readonly image: string; readonly label: string },
  { channels, ...options }: CaseOptions,
): Promise<Case> {
  const loaded = await loadImage(files.image, channels === undefined ? {} : { channels });
  const { volume } = await readNifti(files.label);
  checkGrid(files, loaded.image, volume);
  const values = classIndices(files.label, volume.values, options);
  const voxels = voxelsByClass(values, options.classes.length);
  if (voxels.every((list) => list.length === 0))
    throw new DataError(
      files.label,
      `no voxel belongs to any of ${options.classes.slice(1).join(', ')}`,
      'Give the label map of this image, or correct data.label_map',
    );
  return { ...loaded, labels: { ...volume, values }, voxels };
}

function checkGrid(files: { readonly image: string; readonly label: string }, image: Volume, label: Volume): void {
  if (label.channels !== 1)
    throw new DataError(
      files.label,
      `a label map has one channel, and this has ${label.channels}`,
      'Give a 3D label map',
    );
  if (label.size.some((length, axis) => length !== image.size[axis]))
    throw new DataError(
      files.label,
      `its size is ${label.size.join(' × ')}, and that of ${files.image} is ${image.size.join(' × ')}`,
      'Resample the label map to the grid of the image, by nearest neighbour',
    );
  const apart = largestOffset(image.affine, label.affine, image.size);
  const voxel = Math.min(...spacingOf(image.affine));
  if (apart > GRID_TOLERANCE * voxel)
    throw new DataError(
      files.label,
      `its affine lays voxels up to ${apart.toPrecision(3)} mm from where ${files.image} has them (a voxel is ${voxel.toPrecision(3)} mm)`,
      'Resample the label map to the grid of the image, by nearest neighbour, or correct its header',
    );
}

const nameOf = (file: string): string =>
  basename(file)
    .replace(/\.gz$/i, '')
    .replace(/\.nii$/i, '');
