import { placesVoxels } from '../affine.ts';
import type { Affine, Volume, VoxelArray } from '../volume.ts';
import { INTEGER_RANGE, NIFTI_TYPES, typeOfArray, type NiftiType, type WritableType } from './datatype.ts';
import { HeaderFields } from './fields.ts';
import { HEADER_BYTES } from './layout.ts';
import { NiftiError } from './niftiError.ts';
import { affineOf, orientationOf, type Orientation } from './orientation.ts';
import { writeOrientation } from './orientationFields.ts';

export interface NiftiWriteOptions {
  /** By default the type of the values. Integers are checked, never wrapped or rounded. */
  readonly type?: WritableType;
  /** The image whose grid this is: its orientation, units and NIfTI version are kept. */
  readonly like?: { readonly version: 1 | 2; readonly orientation: Orientation };
}

/** NIfTI-1 holds sizes as 16-bit integers. */
const LARGEST_SIZE_1 = 32767;

/** The bytes of a single-file NIfTI image, little-endian, unscaled. `file` is for errors. */
export function encodeNifti(file: string, volume: Volume, { type, like }: NiftiWriteOptions = {}): Uint8Array {
  checkVolume(file, volume);
  const stored = type ?? typeOfArray(volume.values);
  const header = encodeNiftiHeader(volume, stored, like);
  const encoded = new Uint8Array(header.byteLength + volume.values.length * NIFTI_TYPES[stored].bytes);
  encoded.set(header);
  writeVoxels(file, encoded.subarray(header.byteLength), volume.values, stored);
  return encoded;
}

/** The header and its four extension bytes; the voxels follow. */
export function encodeNiftiHeader(
  { size, channels, affine }: Omit<Volume, 'values'>,
  type: WritableType,
  like?: NiftiWriteOptions['like'],
): Uint8Array {
  const sizes = channels > 1 ? [...size, channels] : [...size];
  const version = like?.version === 2 || sizes.some((length) => length > LARGEST_SIZE_1) ? 2 : 1;
  const encoded = new Uint8Array(HEADER_BYTES[version] + 4);
  writeHeader(encoded, { version, sizes, type, orientation: chooseOrientation(affine, like?.orientation) });
  return encoded;
}

interface HeaderContent {
  readonly version: 1 | 2;
  readonly sizes: readonly number[];
  readonly type: NiftiType;
  readonly orientation: Orientation;
}

function writeHeader(bytes: Uint8Array, { version, sizes, type, orientation }: HeaderContent): void {
  const fields = new HeaderFields(bytes, version, true);
  const ones = Array.from({ length: 7 - sizes.length }, () => 1);
  new DataView(bytes.buffer).setInt32(0, HEADER_BYTES[version], true);
  const magic = version === 1 ? 'n+1\0' : 'n+2\0\r\n\x1a\n';
  bytes.set(Buffer.from(magic, 'latin1'), version === 1 ? 344 : 4);
  fields.set('dim', sizes.length, ...sizes, ...ones);
  fields.set('datatype', NIFTI_TYPES[type].code);
  fields.set('bitpix', 8 * NIFTI_TYPES[type].bytes);
  fields.set('pixdim', 1, 1, 1, 1, 1, 1, 1, 1);
  fields.set('vox_offset', HEADER_BYTES[version] + 4);
  fields.set('scl_slope', 1);
  writeOrientation(fields, orientation);
}

/** The source's own fields where they give this very affine; else fields made from the affine. */
function chooseOrientation(affine: Affine, source: Orientation | undefined): Orientation {
  if (!source) return orientationOf(affine);
  const given = affineOf(source);
  const same = given.every((row, i) => row.every((value, j) => value === affine[i]?.[j]));
  const { spacing, qform, sform } = source;
  const clean = [...spacing, ...qform.quaternion, ...qform.offset, ...sform.rows.flat()].every(Number.isFinite);
  return same && clean ? source : { ...orientationOf(affine), units: source.units };
}

function writeVoxels(file: string, bytes: Uint8Array, values: VoxelArray, type: WritableType): void {
  const range = INTEGER_RANGE[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = NIFTI_TYPES[type].bytes;
  const set = setterOf(view, type);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (range && !(Number.isInteger(value) && value >= range[0] && value <= range[1]))
      throw new NiftiError(
        file,
        'values',
        `voxel ${i} is ${value}, and ${type} holds whole numbers from ${range[0]} to ${range[1]}`,
        'Write it as float32',
      );
    set(i * width, value);
  }
}

function setterOf(view: DataView, type: WritableType): (offset: number, value: number) => void {
  switch (type) {
    case 'uint8':
      return (offset, value) => view.setUint8(offset, value);
    case 'int8':
      return (offset, value) => view.setInt8(offset, value);
    case 'uint16':
      return (offset, value) => view.setUint16(offset, value, true);
    case 'int16':
      return (offset, value) => view.setInt16(offset, value, true);
    case 'uint32':
      return (offset, value) => view.setUint32(offset, value, true);
    case 'int32':
      return (offset, value) => view.setInt32(offset, value, true);
    case 'float32':
      return (offset, value) => view.setFloat32(offset, value, true);
    case 'float64':
      return (offset, value) => view.setFloat64(offset, value, true);
  }
}

function checkVolume(file: string, { size, channels, values, affine }: Volume): void {
  const voxels = size[0] * size[1] * size[2] * channels;
  if (voxels !== values.length || voxels === 0)
    throw new NiftiError(
      file,
      'unwritable',
      `a volume of ${size.join(' × ')} with ${channels} channels has ${voxels} voxels, and ${values.length} are given`,
      'This is a fault in the program that writes it',
    );
  if (!placesVoxels(affine))
    throw new NiftiError(
      file,
      'unwritable',
      `its affine does not place the voxels: ${JSON.stringify(affine)}`,
      'This is a fault in the program that writes it',
    );
}
