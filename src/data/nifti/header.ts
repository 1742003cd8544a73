import { describeCode, NIFTI_TYPES, typeOfCode, type NiftiType } from './datatype.ts';
import { HeaderFields } from './fields.ts';
import { HEADER_BYTES } from './layout.ts';
import { NiftiError } from './niftiError.ts';
import type { Orientation } from './orientation.ts';
import { readOrientation } from './orientationFields.ts';

/** What a NIfTI header says, checked: every number is finite and means something. */
export interface NiftiHeader {
  readonly version: 1 | 2;
  readonly littleEndian: boolean;
  readonly size: readonly [nx: number, ny: number, nz: number];
  /** The product of all axes behind the third. */
  readonly channels: number;
  readonly type: NiftiType;
  /** Where the voxels begin in the (unpacked) file, and how many bytes they take. */
  readonly voxelOffset: number;
  readonly voxelBytes: number;
  /** value = slope · stored + intercept; undefined where the stored values are meant. */
  readonly scaling: { readonly slope: number; readonly intercept: number } | undefined;
  readonly orientation: Orientation;
}

/** Larger volumes do not fit one array on the host. */
const MAX_VOXEL_BYTES = 2 ** 32;

/** The version and byte order that the first four bytes (`sizeof_hdr`) tell. */
export function sniffHeader(start: Uint8Array, file: string): { version: 1 | 2; littleEndian: boolean } {
  if (start.byteLength < 4)
    throw new NiftiError(
      file,
      'truncated',
      `the file holds ${start.byteLength} bytes`,
      'Copy it again from its source',
    );
  const view = new DataView(start.buffer, start.byteOffset, 4);
  for (const littleEndian of [true, false]) {
    const length = view.getInt32(0, littleEndian);
    if (length === HEADER_BYTES[1]) return { version: 1, littleEndian };
    if (length === HEADER_BYTES[2]) return { version: 2, littleEndian };
  }
  throw new NiftiError(
    file,
    'not nifti',
    'the file does not begin as a NIfTI file does (348 or 540 in its first four bytes)',
    'Give a .nii or .nii.gz file, for instance one that dcm2niix made from DICOM',
  );
}

/** Reads and checks a header of 348 or 540 bytes. Allocates nothing that the header could ask for. */
export function parseHeader(bytes: Uint8Array, file: string): NiftiHeader {
  const { version, littleEndian } = sniffHeader(bytes, file);
  const length = HEADER_BYTES[version];
  if (bytes.byteLength < length)
    throw new NiftiError(
      file,
      'truncated',
      `the file ends inside its header, after ${bytes.byteLength} of ${length} bytes`,
      'Copy it again from its source',
    );
  const fields = new HeaderFields(bytes, version, littleEndian);
  checkMagic(bytes, version, file);
  const { size, channels } = readSize(fields, file);
  const type = readType(fields, file);
  const voxelBytes = size[0] * size[1] * size[2] * channels * NIFTI_TYPES[type].bytes;
  if (!(voxelBytes <= MAX_VOXEL_BYTES))
    throw new NiftiError(
      file,
      'size',
      `the header promises ${size.join(' × ')} × ${channels} voxels of ${type}, more than the 4 GiB that one array holds`,
      'Crop or resample the image',
    );
  const voxelOffset = readVoxelOffset(fields, version, file);
  const scaling = readScaling(fields, file);
  return {
    version,
    littleEndian,
    size,
    channels,
    type,
    voxelOffset,
    voxelBytes,
    scaling,
    orientation: readOrientation(fields, file),
  };
}

function checkMagic(bytes: Uint8Array, version: 1 | 2, file: string): void {
  const start = version === 1 ? 344 : 4;
  const magic = String.fromCharCode(...bytes.subarray(start, start + 4));
  if (magic === (version === 1 ? 'n+1\0' : 'n+2\0')) return;
  if (magic === 'ni1\0' || magic === 'ni2\0')
    throw new NiftiError(
      file,
      'not nifti',
      'this is one half of a pair of files (.hdr and .img)',
      'Convert the pair to one .nii.gz file, for instance with nibabel: nib.save(nib.load(pair), "image.nii.gz")',
    );
  throw new NiftiError(
    file,
    'not nifti',
    `the header's magic is ${JSON.stringify(magic)} where "n+${version}\\0" is due${magic === '\0\0\0\0' ? ': an Analyze 7.5 image?' : ''}`,
    'Convert the image to NIfTI',
  );
}

function readSize(fields: HeaderFields, file: string): Pick<NiftiHeader, 'size' | 'channels'> {
  const count = fields.get('dim');
  const refuse = (message: string): never => {
    throw new NiftiError(file, 'size', message, 'The header is damaged: export the image again');
  };
  if (!(count >= 1 && count <= 7)) refuse(`the header claims ${count} axes; 1 to 7 are allowed`);
  const axes = Array.from({ length: 7 }, (_, axis) => (axis < count ? fields.get('dim', axis + 1) : 1));
  const unfit = axes.findIndex((length) => !(length >= 1));
  if (unfit >= 0) refuse(`axis ${unfit + 1} of the image has length ${axes[unfit]}`);
  const [nx = 1, ny = 1, nz = 1, ...others] = axes;
  return { size: [nx, ny, nz], channels: others.reduce((product, length) => product * length, 1) };
}

function readType(fields: HeaderFields, file: string): NiftiType {
  const code = fields.get('datatype');
  const type = typeOfCode(code);
  if (!type)
    throw new NiftiError(
      file,
      'type',
      `voxels of ${describeCode(code)} cannot be read; allowed are ${Object.keys(NIFTI_TYPES).join(', ')}`,
      'Convert the image to float32',
    );
  const bits = fields.get('bitpix');
  if (bits !== 0 && bits !== NIFTI_TYPES[type].bytes * 8)
    throw new NiftiError(
      file,
      'header',
      `the header contradicts itself: ${type} voxels of ${bits} bits`,
      'The header is damaged: export the image again',
    );
  return type;
}

/** Voxels follow the header and its four extension bytes; 0 stands for that, as in nibabel. */
function readVoxelOffset(fields: HeaderFields, version: 1 | 2, file: string): number {
  const least = HEADER_BYTES[version] + 4;
  const offset = fields.get('vox_offset');
  if (offset === 0) return least;
  if (Number.isSafeInteger(offset) && offset >= least) return offset;
  throw new NiftiError(
    file,
    'header',
    `voxels cannot begin at byte ${offset} (vox_offset); the header takes ${least}`,
    'The header is damaged: export the image again',
  );
}

/** A slope of 0, or one that is no number, means that nothing is scaled. */
function readScaling(fields: HeaderFields, file: string): NiftiHeader['scaling'] {
  const slope = fields.get('scl_slope');
  const intercept = fields.get('scl_inter');
  if (slope === 0 || !Number.isFinite(slope)) return undefined;
  if (!Number.isFinite(intercept))
    throw new NiftiError(
      file,
      'header',
      `values are scaled by ${slope} and shifted by ${intercept} (scl_inter)`,
      'The header is damaged: export the image again',
    );
  return slope === 1 && intercept === 0 ? undefined : { slope, intercept };
}
