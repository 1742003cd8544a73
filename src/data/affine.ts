import type { Affine } from './volume.ts';

/** A 3 × 3 matrix, row major. */
export type Matrix3 = readonly (readonly [number, number, number])[];

const at = (matrix: Affine, row: number, column: number): number => matrix[row]?.[column] ?? 0;

/** The affine without its shift. */
export const linearPart = (affine: Affine): Matrix3 =>
  [0, 1, 2].map((row) => [at(affine, row, 0), at(affine, row, 1), at(affine, row, 2)] as const);

export function determinant(m: Matrix3): number {
  const [[a, b, c] = [0, 0, 0], [d, e, f] = [0, 0, 0], [g, h, i] = [0, 0, 0]] = m;
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}

/** Size of a voxel along its axes i, j, k in millimetres: the lengths of the affine's columns. */
export function spacingOf(affine: Affine): [number, number, number] {
  const length = (column: number): number =>
    Math.hypot(at(affine, 0, column), at(affine, 1, column), at(affine, 2, column));
  return [length(0), length(1), length(2)];
}

/** Voxel axes whose parallelepiped is flatter than this share of their box span no volume. */
const FLAT = 1e-6;

/** Whether an affine gives every voxel a place of its own: finite, and with an inverse. */
export function placesVoxels(affine: Affine): boolean {
  const [dx, dy, dz] = spacingOf(affine);
  return affine.flat().every(Number.isFinite) && Math.abs(determinant(linearPart(affine))) > FLAT * dx * dy * dz;
}

/** For each axis of RAS+ (x, y, z): the voxel axis that runs closest to it, and whether it runs the other way. */
export interface AxisMap {
  readonly axis: 0 | 1 | 2;
  readonly flipped: boolean;
}

const PERMUTATIONS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

/** The closest way to lay the voxel axes along right, anterior and superior: the permutation with the largest |cosines|. */
export function closestAxes(affine: Affine): readonly [AxisMap, AxisMap, AxisMap] {
  const spacing = spacingOf(affine);
  const cosine = (row: number, column: 0 | 1 | 2): number => at(affine, row, column) / (spacing[column] || 1);
  const fit = (p: (typeof PERMUTATIONS)[number]): number =>
    Math.abs(cosine(0, p[0])) + Math.abs(cosine(1, p[1])) + Math.abs(cosine(2, p[2]));
  const best = PERMUTATIONS.reduce((a, b) => (fit(b) > fit(a) + 1e-9 ? b : a));
  const map = (row: 0 | 1 | 2): AxisMap => ({ axis: best[row], flipped: cosine(row, best[row]) < 0 });
  return [map(0), map(1), map(2)];
}

/** How far two grids are apart at most, in millimetres, over the corners of a volume of this size. */
export function largestOffset(a: Affine, b: Affine, size: readonly [number, number, number]): number {
  let largest = 0;
  for (let corner = 0; corner < 8; corner++) {
    const i = corner & 1 ? size[0] - 1 : 0;
    const j = corner & 2 ? size[1] - 1 : 0;
    const k = corner & 4 ? size[2] - 1 : 0;
    const apart = (row: number): number => {
      const along = (column: number): number => at(a, row, column) - at(b, row, column);
      return along(0) * i + along(1) * j + along(2) * k + along(3);
    };
    largest = Math.max(largest, Math.hypot(apart(0), apart(1), apart(2)));
  }
  return largest;
}

/** The affine of the grid that starts at voxel (i, j, k) of another one. */
export function shiftOrigin(affine: Affine, [i, j, k]: readonly [number, number, number]): Affine {
  return affine.map(([a, b, c, t], row) => [a, b, c, row < 3 ? a * i + b * j + c * k + t : t] as const);
}

/** a · b: first b, then a. */
export const compose = (a: Affine, b: Affine): Affine =>
  [0, 1, 2, 3].map((row) => {
    const entry = (column: number): number =>
      at(a, row, 0) * at(b, 0, column) +
      at(a, row, 1) * at(b, 1, column) +
      at(a, row, 2) * at(b, 2, column) +
      at(a, row, 3) * at(b, 3, column);
    return [entry(0), entry(1), entry(2), entry(3)] as const;
  });

/** The inverse of an affine that places voxels: its adjugate over its determinant, and the shift taken back. */
export function invert(affine: Affine): Affine {
  const share = 1 / determinant(linearPart(affine));
  const entry = (row: number, column: number): number => {
    const [r, s] = [(column + 1) % 3, (column + 2) % 3];
    const [c, d] = [(row + 1) % 3, (row + 2) % 3];
    return share * (at(affine, r, c) * at(affine, s, d) - at(affine, r, d) * at(affine, s, c));
  };
  const rows = [0, 1, 2].map((row) => {
    const [a, b, c] = [entry(row, 0), entry(row, 1), entry(row, 2)];
    const shift = a * at(affine, 0, 3) + b * at(affine, 1, 3) + c * at(affine, 2, 3);
    // 0 − shift, lest a shift of 0 become −0.
    return [a, b, c, 0 - shift] as const;
  });
  return [...rows, [0, 0, 0, 1]];
}
