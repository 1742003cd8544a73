import { gunzipSync } from 'node:zlib';

/** A second reader of small NIfTI and .npy files, slow and plain, that believes what it is told. Undefined where it cannot. */
export function naiveVolume(bytes: Buffer): { size: number[]; channels: number; values: number[] } | undefined {
  try {
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
    return plain.toString('latin1', 1, 6) === 'NUMPY' ? ofNpy(plain, view) : ofNifti(view);
  } catch {
    return undefined;
  }
}

type Kind = 'b' | 'i' | 'u' | 'f';

function element(view: DataView, at: number, kind: Kind, bytes: number, little: boolean): number {
  if (kind === 'f' && bytes === 2) return half(view.getUint16(at, little));
  if (kind === 'f') return bytes === 4 ? view.getFloat32(at, little) : view.getFloat64(at, little);
  if (bytes === 8) return Number(kind === 'i' ? view.getBigInt64(at, little) : view.getBigUint64(at, little));
  if (bytes === 4) return kind === 'i' ? view.getInt32(at, little) : view.getUint32(at, little);
  if (bytes === 2) return kind === 'i' ? view.getInt16(at, little) : view.getUint16(at, little);
  return kind === 'i' ? view.getInt8(at) : view.getUint8(at);
}

function half(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size =
    exponent === 31
      ? fraction
        ? NaN
        : Infinity
      : exponent
        ? (1 + fraction / 1024) * 2 ** (exponent - 15)
        : fraction * 2 ** -24;
  return bits & 0x8000 ? -size : size;
}

const CODES: Readonly<Record<number, readonly [Kind, number]>> = {
  ...{ 2: ['u', 1], 4: ['i', 2], 8: ['i', 4], 16: ['f', 4], 64: ['f', 8] },
  ...{ 256: ['i', 1], 512: ['u', 2], 768: ['u', 4], 1024: ['i', 8], 1280: ['u', 8] },
};

function ofNifti(view: DataView): ReturnType<typeof naiveVolume> {
  const little = view.getUint8(0) !== 0;
  const one = view.getInt32(0, little) === 348;
  const real = (first: number, second: number): number =>
    one ? view.getFloat32(first, little) : view.getFloat64(second, little);
  const dim = (i: number): number =>
    one ? view.getInt16(40 + 2 * i, little) : Number(view.getBigInt64(16 + 8 * i, little));
  const [nx = 1, ny = 1, nz = 1, ...others] = Array.from({ length: dim(0) }, (_, i) => dim(i + 1));
  const channels = others.reduce((product, n) => product * n, 1);
  const [kind, width] = CODES[view.getInt16(one ? 70 : 12, little)]!;
  const said = one ? view.getFloat32(108, little) : Number(view.getBigInt64(168, little));
  const start = said || (one ? 352 : 544);
  const slope = real(112, 176);
  const scaled = slope !== 0 && Number.isFinite(slope);
  const values = Array.from({ length: nx * ny * nz * channels }, (_, i) => {
    const stored = element(view, start + i * width, kind, width, little);
    return scaled ? slope * stored + real(116, 184) : stored;
  });
  return { size: [nx, ny, nz], channels, values };
}

function ofNpy(bytes: Buffer, view: DataView): ReturnType<typeof naiveVolume> {
  const one = bytes[6] === 1;
  const start = one ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  const text = bytes.toString('latin1', one ? 10 : 12, start);
  const shape = /'shape': *\(([^)]*)\)/
    .exec(text)![1]!
    .split(',')
    .filter((part) => part.trim())
    .map(Number);
  const [, order, kind, width] = /'descr': *'([<>|=]?)(\w)(\d)'/.exec(text)!;
  const [nc = 1, nz = 1, ny = 1, nx = 1] = [...Array<number>(4 - shape.length).fill(1), ...shape];
  const fortran = /'fortran_order': *True/.test(text);
  const values: number[] = [];
  for (let c = 0; c < nc; c++)
    for (let z = 0; z < nz; z++)
      for (let y = 0; y < ny; y++)
        for (let x = 0; x < nx; x++) {
          const place = fortran ? c + nc * (z + nz * (y + ny * x)) : x + nx * (y + ny * (z + nz * c));
          values.push(element(view, start + place * Number(width), kind as Kind, Number(width), order !== '>'));
        }
  return { size: [nx, ny, nz], channels: nc, values };
}
