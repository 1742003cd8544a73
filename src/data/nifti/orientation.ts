import { determinant, linearPart, spacingOf, type Matrix3 } from '../affine.ts';
import type { Affine } from '../volume.ts';

/** The fields by which a header says where its voxels lie; kept whole, so that they can be written back unchanged. */
export interface Orientation {
  /** −1 where the third axis is mirrored, else 1 (`pixdim[0]`). */
  readonly qfac: number;
  readonly spacing: readonly [number, number, number];
  readonly qform: {
    readonly code: number;
    readonly quaternion: readonly [b: number, c: number, d: number];
    readonly offset: readonly [number, number, number];
  };
  readonly sform: { readonly code: number; readonly rows: Affine };
  /** `xyzt_units`: 2 is millimetres. */
  readonly units: number;
}

/** Sheared or unevenly scaled beyond this (relative to the spacing), an affine cannot be told by a quaternion. */
const RIGID_TOLERANCE = 1e-4;

/** The rotation of a quaternion (a, b, c, d) of which a header holds b, c, d and a = √(1 − b² − c² − d²). */
export function rotationOf(quaternion: readonly [number, number, number]): Matrix3 {
  let [b, c, d] = quaternion;
  const square = b * b + c * c + d * d;
  let a = Math.sqrt(Math.max(0, 1 - square));
  // Un-normed (rounded, or worse): a half turn about the axis (b, c, d), as nifti1_io does.
  if (1 - square < 1e-7) {
    const norm = Math.sqrt(square);
    [a, b, c, d] = [0, b / norm, c / norm, d / norm];
  }
  return [
    [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
    [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
    [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
  ];
}

/** The quaternion's b, c, d of a proper rotation, with a ≥ 0 (nifti1_io, nifti_mat44_to_quatern). */
export function quaternionOf(r: Matrix3): [number, number, number] {
  const [[r11, r12, r13] = [1, 0, 0], [r21, r22, r23] = [0, 1, 0], [r31, r32, r33] = [0, 0, 1]] = r;
  // 4b² = 1 + r11 − r22 − r33 and so on; divide by the largest of the four, so that nothing is lost to rounding.
  const squares = [1 + r11 + r22 + r33, 1 + r11 - r22 - r33, 1 + r22 - r11 - r33, 1 + r33 - r11 - r22] as const;
  const [aa, bb, cc] = squares;
  const largest = Math.max(...squares);
  const h = Math.sqrt(largest) / 2;
  const q = 0.25 / h;
  let found: [number, number, number, number];
  if (aa === largest) found = [h, q * (r32 - r23), q * (r13 - r31), q * (r21 - r12)];
  else if (bb === largest) found = [q * (r32 - r23), h, q * (r12 + r21), q * (r13 + r31)];
  else if (cc === largest) found = [q * (r13 - r31), q * (r12 + r21), h, q * (r23 + r32)];
  else found = [q * (r21 - r12), q * (r13 + r31), q * (r23 + r32), h];
  const sign = found[0] < 0 ? -1 : 1;
  return [sign * found[1], sign * found[2], sign * found[3]];
}

/** Voxel → millimetres: the sform where there is one, else the qform, else the voxel sizes alone (nifti1.h, methods 3, 2, 1). */
export function affineOf(orientation: Orientation): Affine {
  const { sform, qform, spacing, qfac } = orientation;
  const last = [0, 0, 0, 1] as const;
  if (sform.code > 0) return [...sform.rows.slice(0, 3), last];
  const [dx, dy, dz] = spacing;
  if (qform.code <= 0) return [[dx, 0, 0, 0], [0, dy, 0, 0], [0, 0, dz, 0], last];
  const rows = rotationOf(qform.quaternion).map(
    ([x, y, z], row) => [x * dx, y * dy, z * dz * qfac, qform.offset[row] ?? 0] as const,
  );
  return [...rows, last];
}

/** The fields for an affine: the sform always, the qform where the affine is a rotation and a scale. Both aligned (code 2). */
export function orientationOf(affine: Affine): Orientation {
  const spacing = spacingOf(affine);
  const linear = linearPart(affine);
  const qfac = determinant(linear) < 0 ? -1 : 1;
  const rotation = linear.map(
    ([x, y, z]) => [x / spacing[0], y / spacing[1], (z / spacing[2]) * qfac] as const,
  ) satisfies Matrix3;
  const offset = [affine[0]?.[3] ?? 0, affine[1]?.[3] ?? 0, affine[2]?.[3] ?? 0] as const;
  return {
    qfac,
    spacing,
    qform: { code: isRotation(rotation) ? 2 : 0, quaternion: quaternionOf(rotation), offset },
    sform: { code: 2, rows: affine.slice(0, 3) },
    units: 2,
  };
}

/** Whether RᵀR is the identity. */
function isRotation(r: Matrix3): boolean {
  const dot = (a: 0 | 1 | 2, b: 0 | 1 | 2): number => r.reduce((sum, row) => sum + row[a] * row[b], 0);
  const off = Math.max(Math.abs(dot(0, 1)), Math.abs(dot(0, 2)), Math.abs(dot(1, 2)));
  return off < RIGID_TOLERANCE && [dot(0, 0), dot(1, 1), dot(2, 2)].every((x) => Math.abs(x - 1) < RIGID_TOLERANCE);
}
