/** Element types of a safetensors file that we read. The narrow floats are widened to float32. */
export const DTYPES = [
  'F64',
  'F32',
  'F16',
  'BF16',
  'I64',
  'I32',
  'I16',
  'I8',
  'U64',
  'U32',
  'U16',
  'U8',
  'BOOL',
] as const;
export type DType = (typeof DTYPES)[number];

/** Element types that we write. */
export type WritableDType = 'F64' | 'F32' | 'I64' | 'I32' | 'U8';

/** Values on the host, as wide as they lie in the file (F16 and BF16: float32; BOOL: 0 or 1). */
export type TensorValues =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** Bytes of one element. */
export const BYTES: Readonly<Record<DType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

export const isDType = (text: unknown): text is DType => (DTYPES as readonly unknown[]).includes(text);

/** Looks at `bytes`, which start at an address that any element type may have, as elements. Little-endian, as every host that TensorFlow runs on. */
export const decodeValues = (dtype: DType, bytes: ArrayBuffer): TensorValues => {
  switch (dtype) {
    case 'F64':
      return new Float64Array(bytes);
    case 'F32':
      return new Float32Array(bytes);
    case 'F16':
      return Float32Array.from(new Uint16Array(bytes), halfToFloat);
    case 'BF16':
      return new Float32Array(Uint32Array.from(new Uint16Array(bytes), (bits) => bits << 16).buffer);
    case 'I64':
      return new BigInt64Array(bytes);
    case 'I32':
      return new Int32Array(bytes);
    case 'I16':
      return new Int16Array(bytes);
    case 'I8':
      return new Int8Array(bytes);
    case 'U64':
      return new BigUint64Array(bytes);
    case 'U32':
      return new Uint32Array(bytes);
    case 'U16':
      return new Uint16Array(bytes);
    case 'U8':
    case 'BOOL':
      return new Uint8Array(bytes);
  }
};

/** The element type that values are written as, or undefined where we do not write them. */
export const writableDType = (values: TensorValues): WritableDType | undefined => {
  if (values instanceof Float32Array) return 'F32';
  if (values instanceof Float64Array) return 'F64';
  if (values instanceof Int32Array) return 'I32';
  if (values instanceof BigInt64Array) return 'I64';
  return values instanceof Uint8Array ? 'U8' : undefined;
};

/** IEEE 754 binary16: one sign bit, five of exponent (bias 15), ten of fraction. */
const halfToFloat = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};
