/** What a test says of the .npy file it makes; written from NumPy's description of the format (numpy.lib.format). */
export interface NpyFileSpec {
  readonly version?: number;
  readonly descr?: string;
  readonly fortranOrder?: boolean;
  readonly shape: readonly number[];
  readonly values?: readonly (number | bigint)[];
  /** In place of the header that follows from the rest. */
  readonly header?: string;
}

/** The bytes of a .npy file; `values` in the order in which they lie. */
export function npyFile({
  version = 1,
  descr = '|u1',
  fortranOrder = false,
  shape,
  values = [],
  header,
}: NpyFileSpec): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const said =
    header ?? `{'descr': '${descr}', 'fortran_order': ${fortranOrder ? 'True' : 'False'}, 'shape': ${tuple}, }`;
  const before = version === 1 ? 10 : 12;
  const text = `${said.padEnd(64 * Math.ceil((before + said.length + 1) / 64) - before - 1)}\n`;
  const start = Buffer.alloc(before);
  start.write('\x93NUMPY', 'latin1');
  start.writeUInt8(version, 6);
  if (version === 1) start.writeUInt16LE(text.length, 8);
  else start.writeUInt32LE(text.length, 8);
  const kind = descr.replace(/^[<>|=]/, '');
  const width = Number(kind.slice(1));
  const data = Buffer.alloc(values.length * width);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  values.forEach((value, i) => put(view, i * width, kind, value, !descr.startsWith('>')));
  return Buffer.concat([start, Buffer.from(text, 'latin1'), data]);
}

function put(view: DataView, at: number, kind: string, value: number | bigint, little: boolean): void {
  const number = Number(value);
  if (kind === 'i8') view.setBigInt64(at, BigInt(value), little);
  else if (kind === 'u8') view.setBigUint64(at, BigInt(value), little);
  else if (kind === 'u1' || kind === 'b1') view.setUint8(at, number);
  else if (kind === 'i1') view.setInt8(at, number);
  else if (kind === 'u2') view.setUint16(at, number, little);
  else if (kind === 'i2') view.setInt16(at, number, little);
  else if (kind === 'u4') view.setUint32(at, number, little);
  else if (kind === 'i4') view.setInt32(at, number, little);
  else if (kind === 'f4') view.setFloat32(at, number, little);
  else if (kind === 'f8') view.setFloat64(at, number, little);
  // Given by its bits.
  else if (kind === 'f2') view.setUint16(at, number, little);
}
