import type { VoxelArray } from '../volume.ts';

/** The element types that NIfTI files hold and we read. The 64-bit integers become float64. */
export type NiftiType =
  | 'uint8'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float32'
  | 'float64';

/** Those that we write. */
export type WritableType = Exclude<NiftiType, 'int64' | 'uint64'>;

/** Code of the header's `datatype`, and bytes an element (nifti1.h, section "datatype"). */
export const NIFTI_TYPES: Readonly<Record<NiftiType, { readonly code: number; readonly bytes: number }>> = {
  uint8: { code: 2, bytes: 1 },
  int16: { code: 4, bytes: 2 },
  int32: { code: 8, bytes: 4 },
  float32: { code: 16, bytes: 4 },
  float64: { code: 64, bytes: 8 },
  int8: { code: 256, bytes: 1 },
  uint16: { code: 512, bytes: 2 },
  uint32: { code: 768, bytes: 4 },
  int64: { code: 1024, bytes: 8 },
  uint64: { code: 1280, bytes: 8 },
};

/** Types that exist in the standard but hold no scalar that a network could be given. */
const REFUSED: Readonly<Record<number, string>> = {
  1: 'binary',
  32: 'complex64',
  128: 'RGB24',
  1536: 'float128',
  1792: 'complex128',
  2048: 'complex256',
  2304: 'RGBA32',
};

const byCode = new Map(Object.entries(NIFTI_TYPES).map(([name, { code }]) => [code, name as NiftiType]));

/** The type of a code, or undefined where we cannot read it. */
export const typeOfCode = (code: number): NiftiType | undefined => byCode.get(code);

/** What to call a code that we cannot read. */
export const describeCode = (code: number): string => `${REFUSED[code] ?? 'unknown type'} (datatype ${code})`;

/** The type that an array is written as, unless another is asked for. */
export function typeOfArray(values: VoxelArray): WritableType {
  if (values instanceof Float32Array) return 'float32';
  if (values instanceof Float64Array) return 'float64';
  if (values instanceof Uint8Array) return 'uint8';
  if (values instanceof Int8Array) return 'int8';
  if (values instanceof Int16Array) return 'int16';
  if (values instanceof Uint16Array) return 'uint16';
  if (values instanceof Int32Array) return 'int32';
  return 'uint32';
}

/** Smallest and largest value of the integer types that we write. */
export const INTEGER_RANGE: Readonly<Partial<Record<NiftiType, readonly [number, number]>>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint32: [0, 4294967295],
  int32: [-2147483648, 2147483647],
};
