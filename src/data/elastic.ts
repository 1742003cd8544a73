import type { RandomStream } from '../random/stream.ts';

type Size = readonly [nx: number, ny: number, nz: number];

/**
 * A smooth displacement of every voxel of a grid: uniform cubic B-splines over a coarse grid of knots (Rueckert et al. 1999).
 * Along an axis, voxel p lies between knots ⌊p/h⌋ and ⌊p/h⌋ + 1 and is moved by the coefficients ⌊p/h⌋ … ⌊p/h⌋ + 3.
 */
export interface ElasticField {
  readonly knotSpacing: number;
  /** Coefficients along each axis. */
  readonly count: Size;
  /** Displacement along x, y, z in voxels: `coefficients[axis][i + nx·(j + ny·k)]`. */
  readonly coefficients: readonly [Float32Array, Float32Array, Float32Array];
}

/** Knots stand this far apart, and further where they move far, so that the field does not fold. */
const LEAST_SPACING = 16;
const SPACING_PER_VOXEL = 6;

/** A random field over a grid that moves the knot that it moves furthest by `largest` voxels. */
export function drawElasticField(stream: RandomStream, size: Size, largest: number): ElasticField {
  const knotSpacing = Math.max(LEAST_SPACING, SPACING_PER_VOXEL * largest);
  const along = (length: number): number => Math.floor((length - 1) / knotSpacing) + 4;
  const count: Size = [along(size[0]), along(size[1]), along(size[2])];
  const draw = (): Float32Array => stream.fillUniform(new Float32Array(count[0] * count[1] * count[2]), -1, 1);
  const coefficients = [draw(), draw(), draw()] as const;
  // A grid of one slice stays in its plane.
  coefficients.forEach((values, axis) => size[axis] === 1 && values.fill(0));
  const factor = largest / (largestAtKnots(coefficients, count) || 1);
  for (const values of coefficients) for (let i = 0; i < values.length; i++) values[i]! *= factor;
  return { knotSpacing, count, coefficients };
}

/** At a knot a B-spline is (1, 4, 1) / 6 of the coefficients around it. */
function largestAtKnots(coefficients: ElasticField['coefficients'], [nx, ny, nz]: Size): number {
  const weights = [1 / 6, 4 / 6, 1 / 6];
  const valueAt = (values: Float32Array, i: number, j: number, k: number): number => {
    let sum = 0;
    for (let c = 0; c < 3; c++)
      for (let b = 0; b < 3; b++)
        for (let a = 0; a < 3; a++)
          sum += weights[a]! * weights[b]! * weights[c]! * values[i + a + nx * (j + b + ny * (k + c))]!;
    return sum;
  };
  const [x, y, z] = coefficients;
  let largest = 0;
  for (let k = 0; k + 2 < nz; k++)
    for (let j = 0; j + 2 < ny; j++)
      for (let i = 0; i + 2 < nx; i++)
        largest = Math.max(largest, Math.hypot(valueAt(x, i, j, k), valueAt(y, i, j, k), valueAt(z, i, j, k)));
  return largest;
}

/** First coefficient and the four weights of every voxel along an axis. */
interface AxisWeights {
  readonly first: Int32Array;
  readonly weights: Float32Array;
}

/** w₀ = (1−t)³/6, w₁ = (3t³ − 6t² + 4)/6, w₂ = (−3t³ + 3t² + 3t + 1)/6, w₃ = t³/6. */
function axisWeights(length: number, spacing: number): AxisWeights {
  const first = new Int32Array(length);
  const weights = new Float32Array(4 * length);
  for (let p = 0; p < length; p++) {
    const knot = Math.floor(p / spacing);
    const t = p / spacing - knot;
    first[p] = knot;
    weights.set(
      [(1 - t) ** 3 / 6, (3 * t ** 3 - 6 * t ** 2 + 4) / 6, (-3 * t ** 3 + 3 * t ** 2 + 3 * t + 1) / 6, t ** 3 / 6],
      4 * p,
    );
  }
  return { first, weights };
}

/** Gives the displacements of a grid row by row: first one plane of coefficients, then one line, then its voxels. */
export class ElasticRows {
  readonly #field: ElasticField;
  readonly #axes: readonly [AxisWeights, AxisWeights, AxisWeights];
  readonly #planes: readonly Float32Array[];
  readonly #lines: PerAxis;
  readonly #rows: readonly [Float32Array, Float32Array, Float32Array];
  #z = -1;

  constructor(field: ElasticField, size: Size) {
    const { count, knotSpacing } = field;
    this.#field = field;
    const [x, y, z] = size;
    this.#axes = [axisWeights(x, knotSpacing), axisWeights(y, knotSpacing), axisWeights(z, knotSpacing)];
    this.#planes = [0, 1, 2].map(() => new Float32Array(count[0] * count[1]));
    this.#lines = [new Float32Array(count[0]), new Float32Array(count[0]), new Float32Array(count[0])];
    this.#rows = [new Float32Array(size[0]), new Float32Array(size[0]), new Float32Array(size[0])];
  }

  /** Displacements along x, y and z of the voxels (·, y, z); valid until the next call. */
  row(y: number, z: number): readonly [Float32Array, Float32Array, Float32Array] {
    const [nx, ny] = this.#field.count;
    const [xs, ys, zs] = this.#axes;
    for (let axis = 0; axis < 3; axis++) {
      const plane = this.#planes[axis]!;
      const line = this.#lines[axis]!;
      if (z !== this.#z) combine(this.#field.coefficients[axis]!, nx * ny, zs, z, plane);
      combine(plane, nx, ys, y, line);
    }
    this.#z = z;
    alongRow(xs, this.#lines, this.#rows);
    return this.#rows;
  }
}

/** Along x, all three axes at once: they share their weights. */
function alongRow(
  { first, weights: w }: AxisWeights,
  [lineX, lineY, lineZ]: PerAxis,
  [rowX, rowY, rowZ]: PerAxis,
): void {
  for (let x = 0, at = 0; x < rowX.length; x++, at += 4) {
    const i = first[x]!;
    const a = w[at]!;
    const b = w[at + 1]!;
    const c = w[at + 2]!;
    const d = w[at + 3]!;
    rowX[x] = a * lineX[i]! + b * lineX[i + 1]! + c * lineX[i + 2]! + d * lineX[i + 3]!;
    rowY[x] = a * lineY[i]! + b * lineY[i + 1]! + c * lineY[i + 2]! + d * lineY[i + 3]!;
    rowZ[x] = a * lineZ[i]! + b * lineZ[i + 1]! + c * lineZ[i + 2]! + d * lineZ[i + 3]!;
  }
}

type PerAxis = readonly [Float32Array, Float32Array, Float32Array];

/** out[i] = Σₜ wₜ · values[i + stride · (first + t)] */
function combine(values: Float32Array, stride: number, axis: AxisWeights, position: number, out: Float32Array): void {
  const begin = axis.first[position]! * stride;
  const [a = 0, b = 0, c = 0, d = 0] = axis.weights.subarray(4 * position, 4 * position + 4);
  for (let i = 0; i < out.length; i++) {
    const at = begin + i;
    out[i] = a * values[at]! + b * values[at + stride]! + c * values[at + 2 * stride]! + d * values[at + 3 * stride]!;
  }
}
