import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { DataError } from '../data/dataError.ts';
import type { Grid, VolumeSource } from '../data/dataset.ts';
import { encodeNiftiHeader } from '../data/nifti/encode.ts';
import { resampleTo } from '../data/resample.ts';
import type { FinishedPlane } from './slidingWindow/stitcher.ts';

export interface ProbabilitiesOptions {
  readonly file: string;
  readonly classes: number;
  /** Of the planes that come, and of the file. */
  readonly from: Grid;
  readonly to: Grid;
  readonly like: VolumeSource;
}

const FLOAT_BYTES = 4;

/**
 * The probability of every class at every voxel, as a 4D NIfTI file of float32, written plane by plane: in memory there is one
 * plane of one class, or where the grid changes one class. A file has the classes slowest and the network has them fastest, so
 * planes go to their places in a draft beside the file, which appears whole or not at all.
 */
export class ProbabilitiesFile {
  readonly #options: ProbabilitiesOptions;
  readonly #draft: string;
  readonly #handle: FileHandle;
  readonly #header: Uint8Array;

  private constructor(options: ProbabilitiesOptions, draft: string, handle: FileHandle, header: Uint8Array) {
    this.#options = options;
    this.#draft = draft;
    this.#handle = handle;
    this.#header = header;
  }

  static async create(options: ProbabilitiesOptions): Promise<ProbabilitiesFile> {
    const { classes, from, like } = options;
    const draft = draftOf(options.file);
    const handle = await named(options.file, () => open(draft, 'wx+'));
    const header = encodeNiftiHeader({ ...from, channels: classes }, 'float32', like);
    const file = new ProbabilitiesFile(options, draft, handle, header);
    await file.#write(header, 0);
    return file;
  }

  /** A plane of probabilities (y, x, classes). */
  async add({ z, values }: FinishedPlane): Promise<void> {
    const { classes, from } = this.#options;
    const [nx, ny, nz] = from.size;
    const voxels = nx * ny;
    for (let c = 0; c < classes; c++) {
      const plane = new Float32Array(voxels);
      for (let i = 0, at = c; i < voxels; i++, at += classes) plane[i] = values[at]!;
      await this.#write(plane, this.#header.byteLength + FLOAT_BYTES * voxels * (z + nz * c));
    }
  }

  /** Every plane has come: the file takes its name. */
  async finish(): Promise<void> {
    const { file, from, to } = this.#options;
    await named(file, async () => {
      const whole = sameGrid(from, to) ? this.#draft : await this.#resampled();
      try {
        await this.#handle.sync();
        if (/\.gz$/i.test(file)) await packed(whole, file);
        else await rename(whole, file);
      } finally {
        if (whole !== this.#draft) await rm(whole, { force: true });
      }
    });
    await this.discard();
  }

  /** Leaves nothing behind but a finished file. */
  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(this.#draft, { force: true });
  }

  /** Class by class on the other grid, linearly; what lies outside is background. Returns the new draft. */
  async #resampled(): Promise<string> {
    const { file, classes, from, to, like } = this.#options;
    const draft = draftOf(file);
    const handle = await open(draft, 'wx');
    try {
      await handle.write(encodeNiftiHeader({ ...to, channels: classes }, 'float32', like));
      for (let c = 0; c < classes; c++) {
        const volume = { ...from, channels: 1, values: await this.#read(c) };
        const { values } = resampleTo(volume, to, 'linear', c === 0 ? 1 : 0);
        await handle.write(bytesOf(values));
      }
    } finally {
      await handle.close();
    }
    return draft;
  }

  async #read(channel: number): Promise<Float32Array> {
    const [nx, ny, nz] = this.#options.from.size;
    const values = new Float32Array(nx * ny * nz);
    const bytes = bytesOf(values);
    const begin = this.#header.byteLength + channel * bytes.byteLength;
    for (let at = 0; at < bytes.byteLength;) {
      const { bytesRead } = await this.#handle.read(bytes, at, bytes.byteLength - at, begin + at);
      if (bytesRead === 0) throw new Error(`${this.#draft} is shorter than what was written to it`);
      at += bytesRead;
    }
    return values;
  }

  async #write(values: Uint8Array | Float32Array, position: number): Promise<void> {
    const bytes = bytesOf(values);
    await named(this.#options.file, () => this.#handle.write(bytes, 0, bytes.byteLength, position));
  }
}

/** Grids on which voxels have the same indices and the same places. */
export const sameGrid = (a: Grid, b: Grid): boolean =>
  a.size.every((length, axis) => length === b.size[axis]) &&
  a.affine.every((row, i) => row.every((value, j) => value === b.affine[i]?.[j]));

const draftOf = (file: string): string => `${file}.${randomBytes(6).toString('hex')}.part`;

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

async function packed(from: string, file: string): Promise<void> {
  const draft = draftOf(file);
  try {
    // Probabilities hardly shrink at any level: the fastest one.
    await pipeline(createReadStream(from), createGzip({ level: 1 }), createWriteStream(draft, { flags: 'wx' }));
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function named<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new DataError(file, `it cannot be written (${message})`, 'Check the folder and its free space');
  }
}
