import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Volume } from '../volume.ts';
import { encodeNifti, type NiftiWriteOptions } from './encode.ts';
import { NiftiError } from './niftiError.ts';

/**
 * Writes a volume as a NIfTI file, packed if its name ends in .gz. The file appears whole or not at all. With `like`, the
 * image that the volume belongs to, its orientation is written again as it was, so that every viewer lays one on the other.
 */
export async function writeNifti(file: string, volume: Volume, options: NiftiWriteOptions = {}): Promise<void> {
  if (!/\.nii(\.gz)?$/i.test(file))
    throw new NiftiError(
      file,
      'unwritable',
      'the name of a NIfTI file ends in .nii or .nii.gz',
      'Add one of the two endings',
    );
  const plain = encodeNifti(file, volume, options);
  const bytes = /\.gz$/i.test(file) ? await promisify(gzip)(plain, { level: 6 }) : plain;
  const draft = `${file}.${randomBytes(6).toString('hex')}.part`;
  try {
    const handle = await open(draft, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    const message = error instanceof Error ? error.message : String(error);
    throw new NiftiError(
      file,
      'unwritable',
      `it cannot be written (${message})`,
      'Check the folder and its free space',
      error,
    );
  }
}
