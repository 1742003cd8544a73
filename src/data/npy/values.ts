import { narrow64, toHostOrder } from '../byteOrder.ts';
import type { NiftiType } from '../nifti/datatype.ts';
import type { VoxelArray } from '../volume.ts';
import type { NpyHeader, NpyType } from './header.ts';
import { NpyError } from './npyError.ts';

/** The NIfTI type that holds what an array holds. */
export const NIFTI_TYPE_OF: Readonly<Record<NpyType, NiftiType>> = {
  b1: 'uint8',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
  f2: 'float32',
  f4: 'float32',
  f8: 'float64',
};

/** Stored bytes → values, the last axis fastest. Takes the bytes over. */
export function decodeValues(bytes: Uint8Array<ArrayBuffer>, header: NpyHeader, file: string): VoxelArray {
  toHostOrder(bytes, Number(header.type.at(1)), header.littleEndian);
  const values = arrayOf(bytes.buffer, header.type, file);
  return header.fortranOrder ? turned(values, header.shape) : values;
}

function arrayOf(buffer: ArrayBuffer, type: NpyType, file: string): VoxelArray {
  switch (type) {
    case 'b1':
    case 'u1':
      return new Uint8Array(buffer);
    case 'i1':
      return new Int8Array(buffer);
    case 'i2':
      return new Int16Array(buffer);
    case 'u2':
      return new Uint16Array(buffer);
    case 'i4':
      return new Int32Array(buffer);
    case 'u4':
      return new Uint32Array(buffer);
    case 'f2':
      return fromHalves(new Uint16Array(buffer));
    case 'f4':
      return new Float32Array(buffer);
    case 'f8':
      return new Float64Array(buffer);
    case 'i8':
    case 'u8':
      return narrow64(buffer, type === 'i8', (index, value) => {
        throw new NpyError(
          file,
          'values',
          `voxel ${index} holds a 64-bit integer of about ${value.toExponential(3)}; whole numbers are exact up to 2^53 only`,
          'Convert the array to float64',
        );
      });
  }
}

/** IEEE 754 binary16: a sign, 5 bits of exponent (bias 15), 10 of fraction. There are so few that a table holds them all. */
const HALVES = Float32Array.from({ length: 65536 }, (_, bits) => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 0) return sign * fraction * 2 ** -14;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction) * 2 ** (exponent - 15);
});

function fromHalves(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  for (let i = 0; i < values.length; i++) values[i] = HALVES[halves[i]!]!;
  return values;
}

/** From the first axis fastest to the last axis fastest. */
function turned(values: VoxelArray, shape: readonly number[]): VoxelArray {
  const result = new (values.constructor as new (length: number) => VoxelArray)(values.length);
  const [nc = 1, nz = 1, ny = 1, nx = 1] = [...Array<number>(4 - shape.length).fill(1), ...shape];
  let at = 0;
  for (let c = 0; c < nc; c++)
    for (let z = 0; z < nz; z++)
      for (let y = 0; y < ny; y++) {
        const row = c + nc * (z + nz * y);
        const step = nc * nz * ny;
        for (let x = 0; x < nx; x++) result[at++] = values[row + step * x]!;
      }
  return result;
}
