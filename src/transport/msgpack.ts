import { Packr, Unpackr } from 'msgpackr';

/*
 * MessagePack of plain values only: null, booleans, numbers, strings, bytes, arrays, and maps with string keys.
 *
 * msgpackr's extensions make regular expressions, errors, dates, sets and cyclic structures out of bytes. None of them has
 * a place in a message, so the bytes are walked first and anything but plain values is refused before msgpackr sees it.
 */

const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

const MAX_DEPTH = 32;

/** Bytes that are not a plain MessagePack value. */
export class MsgpackError extends Error {
  override readonly name = 'MsgpackError';
}

/** The bytes of a plain value; throws a MsgpackError for one that is not. The bytes are never reused. */
export const pack = (value: unknown): Uint8Array => {
  const bytes = packr.pack(value);
  checkPlain(bytes);
  return bytes;
};

/** The value; throws a MsgpackError for anything but one plain value. */
export const unpack = (bytes: Uint8Array): unknown => {
  checkPlain(bytes);
  try {
    return unpackr.unpack(bytes);
  } catch (cause) {
    throw new MsgpackError(`not MessagePack: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
};

/** What follows a token: `skip` bytes of its own, then `items` values (for a map, keys and values alternate). */
interface Extent {
  readonly skip: number;
  readonly items: number;
  readonly kind: 'scalar' | 'string' | 'array' | 'map';
}

const scalar = (skip: number): Extent => ({ skip, items: 0, kind: 'scalar' });
const string = (skip: number): Extent => ({ skip, items: 0, kind: 'string' });
const array = (skip: number, items: number): Extent => ({ skip, items, kind: 'array' });
const map = (skip: number, pairs: number): Extent => ({ skip, items: 2 * pairs, kind: 'map' });

/** Walks over one value without making anything of it; every length is checked against what is left. */
const checkPlain = (bytes: Uint8Array): void => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Open containers: how many items are still to come, and whether those alternate with keys.
  const open: { left: number; map: boolean }[] = [{ left: 1, map: false }];
  let position = 0;
  while (open.length > 0) {
    const container = open[open.length - 1]!;
    if (container.left === 0) {
      open.pop();
      continue;
    }
    const isKey = container.map && container.left % 2 === 0;
    container.left--;
    const extent = extentAt(view, position);
    if (isKey && extent.kind !== 'string') throw new MsgpackError(`a key that is not a string at byte ${position}`);
    position += 1 + extent.skip;
    if (position > bytes.length || extent.items > bytes.length - position)
      throw new MsgpackError(`cut off: ${bytes.length} bytes hold less than they announce`);
    if (extent.items > 0) open.push({ left: extent.items, map: extent.kind === 'map' });
    if (open.length > MAX_DEPTH) throw new MsgpackError(`nested deeper than ${MAX_DEPTH}`);
  }
  if (position !== bytes.length) throw new MsgpackError(`${bytes.length - position} bytes follow the value`);
};

/** The token at `position`, as msgpack.org's specification has it. */
const extentAt = (view: DataView, position: number): Extent => {
  if (position >= view.byteLength) throw new MsgpackError(`cut off after ${view.byteLength} bytes`);
  const token = view.getUint8(position);
  if (token < 0x80 || token >= 0xe0) return scalar(0);
  if (token < 0x90) return map(0, token & 0x0f);
  if (token < 0xa0) return array(0, token & 0x0f);
  if (token < 0xc0) return string(token & 0x1f);
  const fixed = SCALARS.get(token);
  if (fixed !== undefined) return scalar(fixed);
  // JavaScript's undefined is the one extension that may come: type 0 with one byte of nothing.
  if (token === 0xd4 && view.byteLength - position >= 3 && view.getUint16(position + 1) === 0) return scalar(2);
  const sized = SIZED.get(token);
  if (!sized) throw new MsgpackError(`an extension (0x${token.toString(16)}) at byte ${position}: plain values only`);
  return sized.of(sized.width, lengthAt(view, position + 1, sized.width));
};

/** nil, false, true, float, uint, int: bytes after the token. */
const SCALARS = new Map([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);

const binaryOf = (width: number, length: number): Extent => scalar(width + length);
const stringOf = (width: number, length: number): Extent => string(width + length);

/** bin, str, array, map: a length of `width` bytes after the token. */
const SIZED = new Map<number, { width: 1 | 2 | 4; of: (width: number, length: number) => Extent }>([
  [0xc4, { width: 1, of: binaryOf }],
  [0xc5, { width: 2, of: binaryOf }],
  [0xc6, { width: 4, of: binaryOf }],
  [0xd9, { width: 1, of: stringOf }],
  [0xda, { width: 2, of: stringOf }],
  [0xdb, { width: 4, of: stringOf }],
  [0xdc, { width: 2, of: array }],
  [0xdd, { width: 4, of: array }],
  [0xde, { width: 2, of: map }],
  [0xdf, { width: 4, of: map }],
]);

const lengthAt = (view: DataView, position: number, width: 1 | 2 | 4): number => {
  if (position + width > view.byteLength) throw new MsgpackError(`cut off after ${view.byteLength} bytes`);
  if (width === 1) return view.getUint8(position);
  return width === 2 ? view.getUint16(position) : view.getUint32(position);
};
