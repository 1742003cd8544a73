import { open } from 'node:fs/promises';
import { affineOf, orientationOf } from './nifti/orientation.ts';
import { readNifti, readNiftiHeader, type NiftiImage } from './nifti/read.ts';
import { MAGIC } from './npy/header.ts';
import { NpyError } from './npy/npyError.ts';
import { readNpy, readNpyHeader } from './npy/read.ts';
import type { Volume } from './volume.ts';

/** A volume from a file, and what a NIfTI file on the same grid must say. */
export type VolumeFile = NiftiImage;

/** What a file says of its volume before its voxels. */
export type VolumeHeader = Omit<Volume, 'values'>;

export interface ReadOptions {
  /** Size of a voxel of a .npy array along x, y, z in millimetres; 1 unless given. */
  readonly npy_spacing?: readonly [number, number, number] | undefined;
}

/**
 * Reads an image, label map or mask from a NIfTI or .npy file; which it is, its first bytes tell. Throws a NiftiError or a
 * NpyError.
 */
export async function readVolume(file: string, { npy_spacing: spacing }: ReadOptions = {}): Promise<VolumeFile> {
  if ((await formatOf(file)) === 'nifti') return readNifti(file);
  const { type, volume } = await readNpy(file, spacing);
  return { file, version: 1, type, orientation: orientationOf(volume.affine), volume };
}

/** The same without the voxels. */
export async function readVolumeHeader(
  file: string,
  { npy_spacing: spacing }: ReadOptions = {},
): Promise<VolumeHeader> {
  if ((await formatOf(file)) === 'npy') return readNpyHeader(file, spacing);
  const { size, channels, orientation } = await readNiftiHeader(file);
  return { size, channels, affine: affineOf(orientation) };
}

/** By the first bytes. What is damaged there is told about as what its name says that it is. */
async function formatOf(file: string): Promise<'nifti' | 'npy'> {
  const start = await firstBytes(file);
  if (start.startsWith(MAGIC)) return 'npy';
  if (start.startsWith('PK\x03\x04'))
    throw new NpyError(file, 'not npy', 'this is an archive (.npz?)', 'Save the array by itself with numpy.save');
  const named = /\.npy$/i.test(file) && start !== '';
  return named && !NIFTI_STARTS.some((known) => start.startsWith(known)) ? 'npy' : 'nifti';
}

/** Packed by gzip, or the length of a header of either version in either order of bytes. */
const NIFTI_STARTS = ['\x1f\x8b', '\x5c\x01\0\0', '\0\0\x01\x5c', '\x1c\x02\0\0', '\0\0\x02\x1c'];

/** None where there are none to be had: the NIfTI reader tells why. */
async function firstBytes(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(6), 0, 6, 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return '';
  }
}
