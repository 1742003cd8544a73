import { endianness } from 'node:os';
import type { VoxelArray } from '../volume.ts';
import { NIFTI_TYPES } from './datatype.ts';
import type { NiftiHeader } from './header.ts';
import { NiftiError } from './niftiError.ts';

/** Stored bytes → values: byte order, then scale and intercept. Takes the bytes over. */
export function decodeVoxels(bytes: Uint8Array<ArrayBuffer>, header: NiftiHeader, file: string): VoxelArray {
  if (header.littleEndian !== (endianness() === 'LE')) swapBytes(bytes, NIFTI_TYPES[header.type].bytes);
  const stored = arrayOf(bytes.buffer, header, file);
  return header.scaling ? scale(stored, header.scaling.slope, header.scaling.intercept) : stored;
}

/** Turns the byte order of every element round, in place. */
function swapBytes(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else if (width === 8) buffer.swap64();
}

function arrayOf(buffer: ArrayBuffer, { type }: NiftiHeader, file: string): VoxelArray {
  switch (type) {
    case 'uint8':
      return new Uint8Array(buffer);
    case 'int8':
      return new Int8Array(buffer);
    case 'uint16':
      return new Uint16Array(buffer);
    case 'int16':
      return new Int16Array(buffer);
    case 'uint32':
      return new Uint32Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'float32':
      return new Float32Array(buffer);
    case 'float64':
      return new Float64Array(buffer);
    case 'int64':
    case 'uint64':
      return narrow64(buffer, type === 'int64', file);
  }
}

/** 64-bit integers as float64, in place of the same bytes; those beyond 2^53 would be changed and are refused. */
function narrow64(buffer: ArrayBuffer, signed: boolean, file: string): Float64Array {
  const words = new Uint32Array(buffer);
  const values = new Float64Array(buffer);
  const [low, high] = endianness() === 'LE' ? [0, 1] : [1, 0];
  for (let i = 0; i < values.length; i++) {
    const upper = words[2 * i + high]!;
    const value = (signed ? upper | 0 : upper) * 0x100000000 + words[2 * i + low]!;
    if (!Number.isSafeInteger(value))
      throw new NiftiError(
        file,
        'values',
        `voxel ${i} holds a 64-bit integer of about ${value.toExponential(3)}; whole numbers are exact up to 2^53 only`,
        'Convert the image to float64',
      );
    values[i] = value;
  }
  return values;
}

/** Float32 holds what 8 and 16 bits can say; wider integers need float64. */
function scale(stored: VoxelArray, slope: number, intercept: number): Float32Array | Float64Array {
  const wide = stored.BYTES_PER_ELEMENT > 2 && !(stored instanceof Float32Array);
  const values = wide ? new Float64Array(stored.length) : new Float32Array(stored.length);
  for (let i = 0; i < values.length; i++) values[i] = slope * stored[i]! + intercept;
  return values;
}
