import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import type { Volume } from '../volume.ts';
import { ByteReader } from './byteReader.ts';
import type { NiftiType } from './datatype.ts';
import { parseHeader, sniffHeader, type NiftiHeader } from './header.ts';
import { HEADER_BYTES } from './layout.ts';
import { NiftiError } from './niftiError.ts';
import { affineOf, type Orientation } from './orientation.ts';
import { decodeVoxels } from './voxels.ts';

/** An image from a file, and what a file of the same grid must say again. */
export interface NiftiImage {
  readonly file: string;
  readonly version: 1 | 2;
  readonly type: NiftiType;
  readonly orientation: Orientation;
  readonly volume: Volume;
}

/** Deflate cannot pack better than this (zlib's manual: 1032 to 1). */
const BEST_PACKING = 1032;

/** What may follow the voxels of a packed file before its checksum is given up on. */
const TRAILING_BYTES = 1024 * 1024;

/**
 * Reads a single-file NIfTI-1 or -2 image, packed by gzip or not (its first bytes tell, not its name). Memory is bounded by
 * the bytes that the file really holds, whatever its header promises. Throws a NiftiError.
 */
export const readNifti = (file: string): Promise<NiftiImage> => opened(file, readImage);

/** What the header of an image says, no voxel being read: in a moment, however large the image. Throws a NiftiError. */
export const readNiftiHeader = (file: string): Promise<NiftiHeader> =>
  opened(file, async (reader, source) => {
    const header = await readHeader(reader, file);
    checkRoom(header.voxelOffset + header.voxelBytes, source);
    return header;
  });

/** Opens a file, unpacks it where it is packed, and closes it however `read` ends. */
async function opened<T>(file: string, read: (reader: ByteReader, source: Source) => Promise<T>): Promise<T> {
  const { bytes: fileBytes, packed } = await inspect(file);
  const chunkSize = 256 * 1024;
  const source = createReadStream(file, { highWaterMark: chunkSize });
  const stream = packed ? source.pipe(createGunzip({ chunkSize })) : source;
  source.once('error', (error) => stream.destroy(error));
  try {
    return await read(new ByteReader(stream), { file, fileBytes, packed });
  } catch (error) {
    throw nameFault(file, error);
  } finally {
    // Most files are left before their end.
    source.destroy();
    stream.destroy();
  }
}

interface Source {
  readonly file: string;
  readonly fileBytes: number;
  readonly packed: boolean;
}

async function readImage(reader: ByteReader, source: Source): Promise<NiftiImage> {
  const { file, packed } = source;
  const header = await readHeader(reader, file);
  const promised = header.voxelOffset + header.voxelBytes;
  checkRoom(promised, source);
  const gap = header.voxelOffset - HEADER_BYTES[header.version];
  const bytes = (await reader.skip(gap)) === gap ? await reader.read(header.voxelBytes, !packed) : new Uint8Array(0);
  if (bytes.byteLength < header.voxelBytes)
    throw truncated(
      file,
      `its header promises ${header.voxelBytes} bytes of voxels, of which ${bytes.byteLength} are there`,
    );
  // Reading on to the end makes zlib compare the checksum.
  if (packed) await reader.skip(TRAILING_BYTES);
  const values = decodeVoxels(bytes, header, file);
  const { version, type, orientation, size, channels } = header;
  return { file, version, type, orientation, volume: { size, channels, values, affine: affineOf(orientation) } };
}

async function readHeader(reader: ByteReader, file: string): Promise<NiftiHeader> {
  const start = await reader.read(4);
  const length = HEADER_BYTES[sniffHeader(start, file).version];
  return parseHeader(Buffer.concat([start, await reader.read(length - 4)]), file);
}

/** Refuses what the file cannot hold, before anything is allocated for it. */
function checkRoom(promised: number, { file, fileBytes, packed }: Source): void {
  const most = packed ? fileBytes * BEST_PACKING : fileBytes;
  if (promised <= most) return;
  const holds = packed ? `${fileBytes} packed bytes cannot hold that` : `the file has ${fileBytes}`;
  throw truncated(file, `its header promises ${promised} bytes, and ${holds}`);
}

const truncated = (file: string, message: string): NiftiError =>
  new NiftiError(
    file,
    'truncated',
    `the file is cut short, or its header lies: ${message}`,
    'Copy it again from its source',
  );

async function inspect(file: string): Promise<{ bytes: number; packed: boolean }> {
  try {
    const handle = await open(file);
    try {
      const stat = await handle.stat();
      if (!stat.isFile())
        throw new NiftiError(file, 'unreadable', 'this is not a file', 'Give the path of a .nii or .nii.gz file');
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
      return { bytes: stat.size, packed: bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw nameFault(file, error);
  }
}

function nameFault(file: string, error: unknown): NiftiError {
  if (error instanceof NiftiError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT')
    return new NiftiError(file, 'unreadable', 'there is no such file', 'Check the path in the run file', error);
  if (code === 'Z_BUF_ERROR') return truncated(file, 'its gzip stream has no end');
  if (code.startsWith('Z_'))
    return new NiftiError(
      file,
      'corrupt gzip',
      `it cannot be unpacked (${(error as Error).message})`,
      'Copy it again from its source; `gzip -t` tells whether a copy is whole',
      error,
    );
  const message = error instanceof Error ? error.message : String(error);
  return new NiftiError(
    file,
    'unreadable',
    `it cannot be read (${message})`,
    'Check the file and its permissions',
    error,
  );
}
