import { narrow64, toHostOrder } from '../byteOrder.ts';
import type { VoxelArray } from '../volume.ts';
import { NIFTI_TYPES } from './datatype.ts';
import type { NiftiHeader } from './header.ts';
import { NiftiError } from './niftiError.ts';

/** Stored bytes → values: byte order, then scale and intercept. Takes the bytes over. */
export function decodeVoxels(bytes: Uint8Array<ArrayBuffer>, header: NiftiHeader, file: string): VoxelArray {
  toHostOrder(bytes, NIFTI_TYPES[header.type].bytes, header.littleEndian);
  const stored = arrayOf(bytes.buffer, header, file);
  return header.scaling ? scale(stored, header.scaling.slope, header.scaling.intercept) : stored;
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
      return narrow64(buffer, type === 'int64', (index, value) => {
        throw new NiftiError(
          file,
          'values',
          `voxel ${index} holds a 64-bit integer of about ${value.toExponential(3)}; whole numbers are exact up to 2^53 only`,
          'Convert the image to float64',
        );
      });
  }
}

/** Float32 holds what 8 and 16 bits can say; wider integers need float64. */
function scale(stored: VoxelArray, slope: number, intercept: number): Float32Array | Float64Array {
  const wide = stored.BYTES_PER_ELEMENT > 2 && !(stored instanceof Float32Array);
  const values = wide ? new Float64Array(stored.length) : new Float32Array(stored.length);
  for (let i = 0; i < values.length; i++) values[i] = slope * stored[i]! + intercept;
  return values;
}
