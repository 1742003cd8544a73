import type { Volume } from '../volume.ts';

type Size = Volume['size'];

/** Tails of the kernel in deviations. */
const TRUNCATED = 3;

/** Eight pairs of taps are added at a time; tails are made whole eights with weights of 0. */
const STEP = 8;

/** w₀ … w_t of exp(−k² / 2σ²) up to k = ⌊3σ + ½⌋, which sum to 1 over both tails; then zeros. */
function halfKernel(sigma: number): Float64Array {
  const tail = Math.floor(TRUNCATED * sigma + 0.5);
  const weights = new Float64Array(1 + Math.ceil(tail / STEP) * STEP);
  let sum = 0;
  for (let k = 0; k <= tail; k++) {
    weights[k] = Math.exp((-0.5 * k * k) / (sigma * sigma));
    sum += k === 0 ? weights[k]! : 2 * weights[k]!;
  }
  return weights.map((weight) => weight / sum);
}

/** Smooths a field in place with a sampled Gaussian along x, y and z, zeros outside (MONAI's GaussianFilter, truncated at 3σ). */
export function smoothGaussian(field: Float32Array, [nx, ny, nz]: Size, sigma: number): void {
  const weights = halfKernel(sigma);
  const tail = weights.length - 1;
  const plane = nx * ny;
  const row = new Float64Array(nx + 2 * tail);
  for (let at = 0; at < field.length; at += nx) {
    row.set(field.subarray(at, at + nx), tail);
    convolve(row, tail, 1, weights, field, at, nx);
  }
  const rows = new Float64Array((Math.max(ny, nz) + 2 * tail) * nx);
  for (let z = 0; z < nz; z++) {
    rows.set(field.subarray(z * plane, (z + 1) * plane), tail * nx);
    rows.fill(0, (tail + ny) * nx);
    for (let y = 0; y < ny; y++) convolve(rows, (tail + y) * nx, nx, weights, field, z * plane + y * nx, nx);
  }
  rows.fill(0);
  for (let y = 0; y < ny; y++) {
    for (let z = 0; z < nz; z++) {
      const at = z * plane + y * nx;
      rows.set(field.subarray(at, at + nx), (tail + z) * nx);
    }
    for (let z = 0; z < nz; z++) convolve(rows, (tail + z) * nx, nx, weights, field, z * plane + y * nx, nx);
  }
}

/** out[at + x] = w₀ · s[b + x] + Σₖ wₖ · (s[b + x − k · stride] + s[b + x + k · stride]) */
function convolve(
  source: Float64Array,
  begin: number,
  stride: number,
  weights: Float64Array,
  out: Float32Array,
  at: number,
  length: number,
): void {
  const w0 = weights[0]!;
  for (let x = 0; x < length; x++) out[at + x] = w0 * source[begin + x]!;
  for (let k = 1; k < weights.length; k += STEP) {
    const [a, b, c, d] = [weights[k]!, weights[k + 1]!, weights[k + 2]!, weights[k + 3]!];
    const [e, f, g, i] = [weights[k + 4]!, weights[k + 5]!, weights[k + 6]!, weights[k + 7]!];
    const low = begin - k * stride;
    const high = begin + k * stride;
    for (let x = 0; x < length; x++) {
      const l = low + x;
      const h = high + x;
      out[at + x]! +=
        a * (source[l]! + source[h]!) +
        b * (source[l - stride]! + source[h + stride]!) +
        c * (source[l - 2 * stride]! + source[h + 2 * stride]!) +
        d * (source[l - 3 * stride]! + source[h + 3 * stride]!) +
        e * (source[l - 4 * stride]! + source[h + 4 * stride]!) +
        f * (source[l - 5 * stride]! + source[h + 5 * stride]!) +
        g * (source[l - 6 * stride]! + source[h + 6 * stride]!) +
        i * (source[l - 7 * stride]! + source[h + 7 * stride]!);
    }
  }
}
