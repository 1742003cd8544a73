import { LAYOUT, type FieldName } from './layout.ts';

/** The numbers of a header by the name of their field. */
export class HeaderFields {
  readonly #view: DataView;
  readonly #version: 1 | 2;
  readonly #littleEndian: boolean;

  constructor(bytes: Uint8Array, version: 1 | 2, littleEndian: boolean) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#version = version;
    this.#littleEndian = littleEndian;
  }

  get(name: FieldName, index = 0): number {
    const [offset, kind] = LAYOUT[this.#version][name];
    const view = this.#view;
    const little = this.#littleEndian;
    switch (kind) {
      case 'uint8':
        return view.getUint8(offset + index);
      case 'int16':
        return view.getInt16(offset + 2 * index, little);
      case 'int32':
        return view.getInt32(offset + 4 * index, little);
      case 'int64':
        return Number(view.getBigInt64(offset + 8 * index, little));
      case 'float32':
        return view.getFloat32(offset + 4 * index, little);
      case 'float64':
        return view.getFloat64(offset + 8 * index, little);
    }
  }

  /** Sets consecutive numbers of a field, from the first on. */
  set(name: FieldName, ...values: readonly number[]): void {
    const [offset, kind] = LAYOUT[this.#version][name];
    const view = this.#view;
    const little = this.#littleEndian;
    values.forEach((value, index) => {
      if (kind === 'uint8') view.setUint8(offset + index, value);
      else if (kind === 'int16') view.setInt16(offset + 2 * index, value, little);
      else if (kind === 'int32') view.setInt32(offset + 4 * index, value, little);
      else if (kind === 'int64') view.setBigInt64(offset + 8 * index, BigInt(value), little);
      else if (kind === 'float32') view.setFloat32(offset + 4 * index, value, little);
      else view.setFloat64(offset + 8 * index, value, little);
    });
  }
}
