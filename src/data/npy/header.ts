import { NpyError } from './npyError.ts';

/** The element types that we read: NumPy's kind and bytes an element. */
const TYPES = {
  b1: 1,
  i1: 1,
  u1: 1,
  i2: 2,
  u2: 2,
  i4: 4,
  u4: 4,
  i8: 8,
  u8: 8,
  f2: 2,
  f4: 4,
  f8: 8,
} as const;

export type NpyType = keyof typeof TYPES;

/** What the header of a .npy file says, checked. */
export interface NpyHeader {
  readonly type: NpyType;
  readonly littleEndian: boolean;
  /** The first axis lies fastest in memory, not the last. */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  readonly valueBytes: number;
}

/** Larger volumes do not fit one array on the host. */
const MAX_VALUE_BYTES = 2 ** 32;

/** Structured types can make a header long, and we read none; NumPy itself reads no more than this from files it does not trust. */
const MAX_HEADER_BYTES = 10_000;

export const MAGIC = '\x93NUMPY';

/** Magic, version and a length of 4 bytes. */
export const PREAMBLE_BYTES = 12;

const DAMAGED = 'The header is damaged: save the array again with numpy.save';

/** Where the text of the header lies, from the first twelve bytes (numpy.lib.format, versions 1.0 to 3.0). */
export function parsePreamble(bytes: Uint8Array, file: string): { start: number; length: number } {
  const text = Buffer.from(bytes).toString('latin1');
  if (!text.startsWith(MAGIC))
    throw new NpyError(
      file,
      'not npy',
      'the file does not begin as a .npy file does (\\x93NUMPY)',
      'Save the array with numpy.save',
    );
  if (bytes.byteLength < PREAMBLE_BYTES)
    throw new NpyError(file, 'truncated', `the file holds ${bytes.byteLength} bytes`, 'Copy it again from its source');
  const view = new DataView(bytes.buffer, bytes.byteOffset, PREAMBLE_BYTES);
  const [major, minor] = [view.getUint8(6), view.getUint8(7)];
  if (!(major >= 1 && major <= 3 && minor === 0))
    throw new NpyError(
      file,
      'header',
      `version ${major}.${minor} of the format is not known; 1.0, 2.0 and 3.0 are`,
      DAMAGED,
    );
  const place =
    major === 1 ? { start: 10, length: view.getUint16(8, true) } : { start: 12, length: view.getUint32(8, true) };
  if (place.length > MAX_HEADER_BYTES)
    throw new NpyError(
      file,
      'header',
      `the header claims ${place.length} bytes; at most ${MAX_HEADER_BYTES} are read`,
      DAMAGED,
    );
  return place;
}

/** A Python dictionary of these three keys, in any order: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. */
export function parseHeader(text: string, file: string): NpyHeader {
  const refuse = (message: string): never => {
    throw new NpyError(file, 'header', message, DAMAGED);
  };
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (body === undefined) return refuse(`the header is no dictionary: ${shown(text)}`);
  const found = new Map<string, string>();
  let rest = body.trim();
  while (rest !== '') {
    const entry = /^'(\w+)'\s*:\s*('[^']*'|True|False|\([\d\s,]*\)|\[.*\])\s*(?:,\s*|$)/s.exec(rest);
    if (!entry) return refuse(`the header cannot be understood from ${shown(rest)} on`);
    found.set(entry[1]!, entry[2]!);
    rest = rest.slice(entry[0].length);
  }
  const [descr, order, shape] = ['descr', 'fortran_order', 'shape'].map((key) => found.get(key));
  if (descr === undefined || order === undefined || shape === undefined || found.size !== 3)
    return refuse(`the header has the keys ${[...found.keys()].join(', ')}, not descr, fortran_order and shape`);
  if (order !== 'True' && order !== 'False') return refuse(`fortran_order is ${shown(order)}`);
  const sizes = parseShape(shape) ?? refuse(`the shape is ${shown(shape)}`);
  return { ...readType(descr, file), fortranOrder: order === 'True', ...readSize(sizes, descr, file) };
}

const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);

/** `(3, 4)`, `(3,)` or `()`; undefined where it is no tuple of numbers. */
function parseShape(text: string): number[] | undefined {
  const inner = /^\(\s*((?:\d+\s*,\s*)*(?:\d+)?)\s*\)$/.exec(text)?.[1];
  if (inner === undefined) return undefined;
  return inner
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(Number);
}

function readType(descr: string, file: string): Pick<NpyHeader, 'type' | 'littleEndian'> {
  const parts = /^'([<>|=])?(\w+)'$/.exec(descr);
  const type = parts?.[2];
  if (!type || !(type in TYPES))
    throw new NpyError(
      file,
      'type',
      `elements of type ${shown(descr)} cannot be read; allowed are booleans, integers of 8 to 64 bits and floats of 16 to 64`,
      'Convert the array, for instance with array.astype(numpy.float32)',
    );
  return { type: type as NpyType, littleEndian: parts[1] !== '>' };
}

function readSize(shape: readonly number[], descr: string, file: string): Pick<NpyHeader, 'shape' | 'valueBytes'> {
  const said = `(${shape.join(', ')})`;
  if (shape.length < 2 || shape.length > 4)
    throw new NpyError(
      file,
      'size',
      `its shape is ${said}`,
      'Give an array of 2 axes (y, x), 3 (z, y, x) or 4 (channel, z, y, x)',
    );
  if (shape.some((length) => length < 1))
    throw new NpyError(file, 'size', `its shape is ${said}: there is no voxel in it`, 'Leave the file out');
  const valueBytes = shape.reduce((product, length) => product * length, 1) * TYPES[readType(descr, file).type];
  if (!(valueBytes <= MAX_VALUE_BYTES))
    throw new NpyError(
      file,
      'size',
      `its shape is ${said}, more than the 4 GiB that one array holds`,
      'Crop or resample the image',
    );
  return { shape, valueBytes };
}
