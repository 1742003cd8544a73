import type { Shape } from '../engine/tensor.ts';
import { BYTES, DTYPES, isDType, type DType } from './dtype.ts';
import { firstDuplicateKey } from './jsonKeys.ts';
import { SafetensorsError } from './safetensorsError.ts';

/** Where a tensor lies in the data that follows the header, in bytes. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  readonly entries: ReadonlyMap<string, TensorEntry>;
}

/** The format's own limit (100 MB), so that a lying length does not take the memory. */
export const LONGEST_HEADER = 100_000_000;

/**
 * The length of the header from the file's first 8 bytes (little-endian), checked against the file's size.
 *
 *     8 bytes: n │ n bytes: JSON, padded with spaces │ data, without holes
 */
export const headerLength = (file: string, prefix: Uint8Array, fileBytes: number): number => {
  if (fileBytes < 8 || prefix.length < 8)
    throw new SafetensorsError(
      file,
      `${fileBytes} bytes are too few for a safetensors file, which starts with 8 bytes`,
    );
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(LONGEST_HEADER))
    throw new SafetensorsError(file, `says that its header has ${length} bytes; at most ${LONGEST_HEADER} are allowed`);
  if (length > BigInt(fileBytes - 8))
    throw new SafetensorsError(file, `is cut off: the header should have ${length} bytes, ${fileBytes - 8} are there`);
  return Number(length);
};

/** Parses and checks the JSON header; `dataBytes` follow it in the file. */
export const parseHeader = (file: string, json: Uint8Array, dataBytes: number): SafetensorsHeader => {
  const text = decodeText(file, json);
  const header = parseObject(file, text);
  const duplicate = firstDuplicateKey(text);
  if (duplicate !== undefined) throw new SafetensorsError(file, `names ${duplicate} twice in its header`);
  const metadata = new Map<string, string>();
  const entries = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') readMetadata(file, value, metadata);
    else entries.set(name, readEntry(file, name, value));
  }
  checkCoverage(file, [...entries.values()], dataBytes);
  return { metadata, entries };
};

const decodeText = (file: string, json: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
  } catch (cause) {
    throw new SafetensorsError(file, 'has a header that is not UTF-8 text', { cause });
  }
};

const parseObject = (file: string, text: string): object => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SafetensorsError(file, `has a header that is not JSON (${(cause as Error).message})`, { cause });
  }
  if (!isObject(value)) throw new SafetensorsError(file, 'has a header that is not a JSON object');
  return value;
};

const readMetadata = (file: string, value: unknown, metadata: Map<string, string>): void => {
  if (!isObject(value)) throw new SafetensorsError(file, '__metadata__ is not an object of strings');
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw new SafetensorsError(file, `__metadata__ entry ${key} is not a string`);
    metadata.set(key, text);
  }
};

const readEntry = (file: string, name: string, value: unknown): TensorEntry => {
  const fail = (fault: string): never => {
    throw new SafetensorsError(file, `tensor ${name} ${fault}`);
  };
  if (!isObject(value)) return fail('is not described by an object');
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (!isDType(dtype)) return fail(`has dtype ${JSON.stringify(dtype)}; readable are ${DTYPES.join(', ')}`);
  if (!isSizes(shape)) return fail(`has shape ${JSON.stringify(shape)}, which is not a list of whole numbers`);
  if (!isSizes(offsets) || offsets.length !== 2)
    return fail(`has data_offsets ${JSON.stringify(offsets)}, which are not two whole numbers`);
  const [begin, end] = offsets as readonly [number, number];
  const bytes = shape.reduce((product, size) => product * size, BYTES[dtype]);
  if (!Number.isSafeInteger(bytes)) return fail(`has shape ${JSON.stringify(shape)}, larger than any file`);
  if (end - begin !== bytes)
    return fail(
      `has data_offsets ${begin} to ${end}, but ${dtype} of shape [${shape.join(', ')}] takes ${bytes} bytes`,
    );
  return { name, dtype, shape, begin, end };
};

/** The format allows neither overlaps nor holes: in order of their offsets the tensors follow one another to the end. */
const checkCoverage = (file: string, entries: readonly TensorEntry[], dataBytes: number): void => {
  let reached = 0;
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (end > dataBytes)
      throw new SafetensorsError(
        file,
        `is cut off: tensor ${name} ends at byte ${end} of the data, which has ${dataBytes}`,
      );
    if (begin !== reached)
      throw new SafetensorsError(
        file,
        `tensor ${name} starts at byte ${begin} of the data, ${begin < reached ? 'inside another tensor' : 'after a hole'} (expected ${reached})`,
      );
    reached = end;
  }
  if (reached !== dataBytes)
    throw new SafetensorsError(file, `has ${dataBytes - reached} bytes after the last tensor that belong to none`);
};

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
