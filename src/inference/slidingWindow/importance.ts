import type { InferenceSpec } from '../../config/schema/inference.ts';
import type { Triple } from './windows.ts';

/** No voxel of a window counts for less than this, or for less than the smallest weight of all where that is larger. */
const LEAST_WEIGHT = 1e-3;

/**
 * What each voxel of a window (z, y, x) counts where windows overlap; undefined where all count the same. MONAI's
 * `compute_importance_map`: exp(−d² / 2σ²) along each axis, d from the window's middle, σ = sigma_scale · length, in float32.
 */
export function importanceOf(
  roi: Triple,
  { blend, sigma_scale: scale }: Pick<InferenceSpec, 'blend' | 'sigma_scale'>,
): Float32Array | undefined {
  if (blend === 'constant') return undefined;
  const [xs, ys, zs] = roi.map((length) => gaussian(length, scale * length));
  const weights = new Float32Array(roi[0] * roi[1] * roi[2]);
  let at = 0;
  for (const z of zs!) for (const y of ys!) for (const x of xs!) weights[at++] = Math.fround(x * y) * z;
  const least = Math.max(
    LEAST_WEIGHT,
    weights.reduce((a, b) => Math.min(a, b), Infinity),
  );
  return weights.map((weight) => Math.max(weight, least));
}

const gaussian = (length: number, sigma: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.exp((i - (length - 1) / 2) ** 2 / (-2 * sigma ** 2)));
