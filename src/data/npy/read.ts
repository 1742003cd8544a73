import { open, type FileHandle } from 'node:fs/promises';
import type { NiftiType } from '../nifti/datatype.ts';
import type { Affine, Volume } from '../volume.ts';
import { parseHeader, parsePreamble, PREAMBLE_BYTES, type NpyHeader } from './header.ts';
import { NpyError } from './npyError.ts';
import { decodeValues, NIFTI_TYPE_OF } from './values.ts';

type Spacing = readonly [number, number, number];

export interface NpyImage {
  readonly type: NiftiType;
  readonly volume: Volume;
}

/**
 * Reads a .npy array as a volume: (z, y, x), (y, x) of one slice, or (channel, z, y, x). An array says nothing of space: its
 * voxels have the spacing (x, y, z, mm) that is given, axes along right, anterior and superior, and their origin at 0. No more
 * is allocated than the file really holds. Throws a NpyError.
 */
export async function readNpy(file: string, spacing: Spacing = [1, 1, 1]): Promise<NpyImage> {
  return withHeader(file, async (handle, header, begin) => {
    const bytes = await take(handle, begin, header.valueBytes);
    if (bytes.byteLength < header.valueBytes) throw truncated(file, 'it was cut while it was read');
    const values = decodeValues(bytes, header, file);
    return { type: NIFTI_TYPE_OF[header.type], volume: { ...gridOf(header, spacing), values } };
  });
}

/** The same without its voxels, which are only seen to be there. */
export async function readNpyHeader(file: string, spacing: Spacing = [1, 1, 1]): Promise<Omit<Volume, 'values'>> {
  return withHeader(file, async (_, header) => gridOf(header, spacing));
}

async function withHeader<T>(
  file: string,
  use: (handle: FileHandle, header: NpyHeader, begin: number) => Promise<T>,
): Promise<T> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const { start, length } = parsePreamble(await take(handle, 0, Math.min(PREAMBLE_BYTES, size)), file);
    const begin = start + length;
    if (begin > size) throw truncated(file, `its header claims ${length} bytes, and the file has ${size}`);
    const header = parseHeader(Buffer.from(await take(handle, start, length)).toString('latin1'), file);
    const there = size - begin;
    if (header.valueBytes > there)
      throw truncated(file, `its header promises ${header.valueBytes} bytes of values, of which ${there} are there`);
    return await use(handle, header, begin);
  } catch (error) {
    if (error instanceof NpyError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const remedy = 'Check the file and its permissions';
    throw new NpyError(file, 'unreadable', `it cannot be read (${message})`, remedy, error);
  } finally {
    await handle.close();
  }
}

function gridOf({ shape }: NpyHeader, [dx, dy, dz]: Spacing): Omit<Volume, 'values'> {
  const [nc = 1, nz = 1, ny = 1, nx = 1] = [...Array<number>(4 - shape.length).fill(1), ...shape];
  const affine: Affine = [
    [dx, 0, 0, 0],
    [0, dy, 0, 0],
    [0, 0, dz, 0],
    [0, 0, 0, 1],
  ];
  return { size: [nx, ny, nz], channels: nc, affine };
}

/** Up to `length` bytes from `position` on, in an array of their own. */
async function take(handle: FileHandle, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    // One read brings at most 2 GiB.
    const most = Math.min(length - filled, 2 ** 30);
    const { bytesRead } = await handle.read(bytes, filled, most, position + filled);
    if (bytesRead === 0) return bytes.slice(0, filled);
    filled += bytesRead;
  }
  return bytes;
}

const truncated = (file: string, message: string): NpyError =>
  new NpyError(
    file,
    'truncated',
    `the file is cut short, or its header lies: ${message}`,
    'Copy it again from its source',
  );
