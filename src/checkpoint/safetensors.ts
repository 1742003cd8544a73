import { open, type FileHandle } from 'node:fs/promises';
import { sizeOf, type Shape } from '../engine/tensor.ts';
import { atomicWrite } from './atomicWrite.ts';
import { BYTES, decodeValues, writableDType, type DType, type TensorValues } from './dtype.ts';
import { SafetensorsError } from './safetensorsError.ts';
import {
  headerLength,
  LONGEST_HEADER,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensorsHeader.ts';

/** A tensor on the host, row major, as it lies in the file. */
export interface HostTensor {
  readonly shape: Shape;
  readonly values: TensorValues;
}

export interface StoredTensor extends HostTensor {
  readonly dtype: DType;
}

/** At most this much is read or written by one call: the operating system's limit is 2 GiB. */
const CHUNK = 1 << 30;

/**
 * An open safetensors file (https://github.com/huggingface/safetensors). The header is read and checked on opening; tensors
 * are read one by one when asked for, so that a worker takes only its own names into memory.
 */
export class SafetensorsFile {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly #file: FileHandle;
  readonly #dataStart: number;

  private constructor(path: string, file: FileHandle, header: SafetensorsHeader, dataStart: number) {
    this.path = path;
    this.metadata = header.metadata;
    this.entries = header.entries;
    this.#file = file;
    this.#dataStart = dataStart;
  }

  /** Throws a SafetensorsError where the file is not there or not sound. */
  static async open(path: string): Promise<SafetensorsFile> {
    const file = await open(path, 'r').catch((cause: unknown) => {
      throw new SafetensorsError(path, `cannot be opened (${(cause as Error).message})`, { cause });
    });
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new SafetensorsError(path, 'is not a file');
      const prefix = await readBytes(path, file, 0, Math.min(8, stat.size));
      const length = headerLength(path, new Uint8Array(prefix), stat.size);
      const json = await readBytes(path, file, 8, length);
      const header = parseHeader(path, new Uint8Array(json), stat.size - 8 - length);
      return new SafetensorsFile(path, file, header, 8 + length);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Reads one tensor; its values are a fresh array. */
  async read(name: string): Promise<StoredTensor> {
    const entry = this.entries.get(name);
    if (!entry) throw new SafetensorsError(this.path, `has no tensor ${name}`);
    const { dtype, shape, begin, end } = entry;
    const bytes = await readBytes(this.path, this.#file, this.#dataStart + begin, end - begin);
    return { dtype, shape, values: decodeValues(dtype, bytes) };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Reads a whole file. */
export const readSafetensors = async (
  path: string,
): Promise<{ metadata: ReadonlyMap<string, string>; tensors: ReadonlyMap<string, StoredTensor> }> => {
  const file = await SafetensorsFile.open(path);
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const name of file.entries.keys()) tensors.set(name, await file.read(name));
    return { metadata: file.metadata, tensors };
  } finally {
    await file.close();
  }
};

/**
 * Writes a file in one piece or not at all. Float32Array is written as F32, Float64Array F64, Int32Array I32, BigInt64Array
 * I64 and Uint8Array U8. Wider elements come first, so that every tensor starts at a multiple of its element's size.
 */
export const writeSafetensors = async (
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const { header, ordered } = layOut(path, tensors, metadata);
  await atomicWrite(path, async (file) => {
    await writeBytes(file, header);
    for (const values of ordered)
      await writeBytes(file, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  });
};

/**
 * The header's bytes with its length in front, and the values in the order of the data: the file is the one behind the other.
 * Throws a SafetensorsError where a tensor cannot be written.
 */
export const layOut = (
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>>,
): { header: Uint8Array; ordered: TensorValues[] } => {
  const described = [...tensors].map(([name, { shape, values }]) => {
    const dtype = writableDType(values);
    if (!dtype) throw new SafetensorsError(path, `tensor ${name}: ${values.constructor.name} cannot be written`);
    if (name === '__metadata__') throw new SafetensorsError(path, 'a tensor cannot be called __metadata__');
    if (sizeOf(shape) !== values.length)
      throw new SafetensorsError(path, `tensor ${name} of shape [${shape.join(', ')}] has ${values.length} values`);
    return { name, dtype, shape, values };
  });
  described.sort((a, b) => BYTES[b.dtype] - BYTES[a.dtype]);
  let begin = 0;
  const fields = described.map(({ name, dtype, shape, values }) => {
    const end = begin + values.byteLength;
    const field = [name, { dtype, shape, data_offsets: [begin, end] }] as const;
    begin = end;
    return field;
  });
  const json = JSON.stringify(Object.fromEntries<unknown>([['__metadata__', metadata], ...fields]));
  return { header: encodeHeader(path, json), ordered: described.map(({ values }) => values) };
};

const encodeHeader = (path: string, json: string): Uint8Array => {
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil(text.length / 8) * 8;
  if (padded > LONGEST_HEADER)
    throw new SafetensorsError(path, `the header would have ${padded} bytes; at most ${LONGEST_HEADER} are allowed`);
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(text, 8);
  return header;
};

/** A buffer of its own, so that any element type may look at it whatever the offset in the file. */
const readBytes = async (path: string, file: FileHandle, position: number, length: number): Promise<ArrayBuffer> => {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(CHUNK, length - done), position + done);
    if (bytesRead === 0) throw new SafetensorsError(path, `ended at byte ${position + done} while it was read`);
    done += bytesRead;
  }
  return bytes.buffer;
};

const writeBytes = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(CHUNK, bytes.length - done));
    done += bytesWritten;
  }
};
