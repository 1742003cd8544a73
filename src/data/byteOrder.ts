import { endianness } from 'node:os';

/** Turns stored elements of `width` bytes into this machine's byte order, in place. */
export function toHostOrder(bytes: Uint8Array, width: number, littleEndian: boolean): void {
  if (littleEndian === (endianness() === 'LE')) return;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else if (width === 8) buffer.swap64();
}

/** 64-bit integers as float64, in place of the same bytes. Those beyond 2^53 would be changed: `refuse` is called. */
export function narrow64(
  buffer: ArrayBuffer,
  signed: boolean,
  refuse: (index: number, value: number) => never,
): Float64Array<ArrayBuffer> {
  const words = new Uint32Array(buffer);
  const values = new Float64Array(buffer);
  const [low, high] = endianness() === 'LE' ? [0, 1] : [1, 0];
  for (let i = 0; i < values.length; i++) {
    const upper = words[2 * i + high]!;
    const value = (signed ? upper | 0 : upper) * 0x100000000 + words[2 * i + low]!;
    if (!Number.isSafeInteger(value)) refuse(i, value);
    values[i] = value;
  }
  return values;
}
