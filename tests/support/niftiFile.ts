import { gzipSync } from 'node:zlib';
import type { NiftiType } from '../../src/data/nifti/datatype.ts';

/** What a test says of the NIfTI file it makes; a second encoder, written from nifti1.h and nifti2.h on its own. */
export interface NiftiFileSpec {
  readonly version?: 1 | 2;
  readonly bigEndian?: boolean;
  readonly type?: NiftiType;
  readonly datatype?: number;
  readonly bitpix?: number;
  readonly dim: readonly number[];
  readonly values?: readonly (number | bigint)[];
  readonly pixdim?: readonly number[];
  readonly slope?: number;
  readonly intercept?: number;
  readonly qform?: {
    readonly code: number;
    readonly quaternion: readonly number[];
    readonly offset: readonly number[];
  };
  readonly sform?: { readonly code: number; readonly rows: readonly number[] };
  readonly voxelOffset?: number;
  readonly units?: number;
  readonly magic?: string;
  readonly packed?: boolean;
}

const TYPES: Record<NiftiType, readonly [code: number, bytes: number]> = {
  uint8: [2, 1],
  int16: [4, 2],
  int32: [8, 4],
  float32: [16, 4],
  float64: [64, 8],
  int8: [256, 1],
  uint16: [512, 2],
  uint32: [768, 4],
  int64: [1024, 8],
  uint64: [1280, 8],
};

/** The bytes of a NIfTI file. */
export function niftiFile(spec: NiftiFileSpec): Buffer {
  const version = spec.version ?? 1;
  const [code, width] = TYPES[spec.type ?? 'uint8'];
  const headerBytes = version === 1 ? 348 : 540;
  const start = spec.voxelOffset || headerBytes + 4;
  const values = spec.values ?? [];
  const bytes = Buffer.alloc(start + values.length * width);
  const put = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = !spec.bigEndian;
  const one = version === 1;
  const dim = [spec.dim.length, ...spec.dim, ...Array<number>(7).fill(1)].slice(0, 8);
  const pixdim = spec.pixdim ?? [1, 1, 1, 1, 1, 1, 1, 1];
  const real = (offset: number, index: number, value: number): void =>
    one ? put.setFloat32(offset + 4 * index, value, little) : put.setFloat64(offset + 8 * index, value, little);
  const short = (oneAt: number, twoAt: number, value: number): void =>
    one ? put.setInt16(oneAt, value, little) : put.setInt32(twoAt, value, little);
  put.setInt32(0, headerBytes, little);
  dim.forEach((n, i) => (one ? put.setInt16(40 + 2 * i, n, little) : put.setBigInt64(16 + 8 * i, BigInt(n), little)));
  put.setInt16(one ? 70 : 12, spec.datatype ?? code, little);
  put.setInt16(one ? 72 : 14, spec.bitpix ?? width * 8, little);
  pixdim.forEach((size, i) => real(one ? 76 : 104, i, size));
  if (one) put.setFloat32(108, spec.voxelOffset ?? 352, little);
  else put.setBigInt64(168, BigInt(spec.voxelOffset ?? 544), little);
  real(one ? 112 : 176, 0, spec.slope ?? 0);
  real(one ? 116 : 184, 0, spec.intercept ?? 0);
  if (one) put.setUint8(123, spec.units ?? 2);
  else put.setInt32(500, spec.units ?? 2, little);
  short(252, 344, spec.qform?.code ?? 0);
  short(254, 348, spec.sform?.code ?? 0);
  spec.qform?.quaternion.forEach((x, i) => real(one ? 256 : 352, i, x));
  spec.qform?.offset.forEach((x, i) => real(one ? 268 : 376, i, x));
  spec.sform?.rows.forEach((x, i) => real(one ? 280 : 400, i, x));
  bytes.write(spec.magic ?? (one ? 'n+1\0' : 'n+2\0\r\n\x1a\n'), one ? 344 : 4, 'latin1');
  values.forEach((value, i) => putVoxel(put, start + i * width, spec.type ?? 'uint8', value, little));
  return spec.packed ? gzipSync(bytes) : bytes;
}

function putVoxel(put: DataView, at: number, type: NiftiType, value: number | bigint, little: boolean): void {
  if (type === 'int64') put.setBigInt64(at, BigInt(value), little);
  else if (type === 'uint64') put.setBigUint64(at, BigInt(value), little);
  else {
    const number = Number(value);
    if (type === 'uint8') put.setUint8(at, number);
    else if (type === 'int8') put.setInt8(at, number);
    else if (type === 'uint16') put.setUint16(at, number, little);
    else if (type === 'int16') put.setInt16(at, number, little);
    else if (type === 'uint32') put.setUint32(at, number, little);
    else if (type === 'int32') put.setInt32(at, number, little);
    else if (type === 'float32') put.setFloat32(at, number, little);
    else put.setFloat64(at, number, little);
  }
}
