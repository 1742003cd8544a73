import { placesVoxels } from '../affine.ts';
import type { HeaderFields } from './fields.ts';
import { NiftiError } from './niftiError.ts';
import { affineOf, type Orientation } from './orientation.ts';

/** Reads where the voxels lie; throws where the header's preferred form gives no affine that can be inverted. */
export function readOrientation(fields: HeaderFields, file: string): Orientation {
  // 0 stands for a size that was not given.
  const spacing = (axis: number): number => {
    const size = Math.abs(fields.get('pixdim', axis));
    return size === 0 ? 1 : size;
  };
  const three = (name: 'quatern' | 'qoffset') =>
    [fields.get(name, 0), fields.get(name, 1), fields.get(name, 2)] as const;
  const row = (name: 'srow_x' | 'srow_y' | 'srow_z') =>
    [fields.get(name, 0), fields.get(name, 1), fields.get(name, 2), fields.get(name, 3)] as const;
  const orientation: Orientation = {
    qfac: fields.get('pixdim') < 0 ? -1 : 1,
    spacing: [spacing(1), spacing(2), spacing(3)],
    qform: { code: fields.get('qform_code'), quaternion: three('quatern'), offset: three('qoffset') },
    sform: { code: fields.get('sform_code'), rows: [row('srow_x'), row('srow_y'), row('srow_z')] },
    units: fields.get('xyzt_units'),
  };
  checkPlaces(orientation, file);
  return orientation;
}

/** Writes every field of an orientation. */
export function writeOrientation(fields: HeaderFields, orientation: Orientation): void {
  fields.set('pixdim', orientation.qfac, ...orientation.spacing);
  fields.set('qform_code', orientation.qform.code);
  fields.set('sform_code', orientation.sform.code);
  fields.set('quatern', ...orientation.qform.quaternion);
  fields.set('qoffset', ...orientation.qform.offset);
  const [x = [], y = [], z = []] = orientation.sform.rows;
  fields.set('srow_x', ...x);
  fields.set('srow_y', ...y);
  fields.set('srow_z', ...z);
  fields.set('xyzt_units', orientation.units);
}

function checkPlaces(orientation: Orientation, file: string): void {
  const affine = affineOf(orientation);
  if (placesVoxels(affine)) return;
  const form = orientation.sform.code > 0 ? 'sform' : orientation.qform.code > 0 ? 'qform' : 'voxel size (pixdim)';
  throw new NiftiError(
    file,
    'orientation',
    `the ${form} does not place the voxels in space: ${affine
      .slice(0, 3)
      .map((row) => `[${row.join(', ')}]`)
      .join(' ')}`,
    'Write the orientation anew, for instance with nibabel or fslorient',
  );
}
