import type { SurfaceDistances } from './surfaceDistances.ts';

/**
 * The Hausdorff distance in mm, or with `percentile` (0 to 100) that percentile in place of the largest: of each direction
 * by itself, and then the larger of the two; `directed` takes that from prediction to truth alone. As MONAI 1.5's
 * compute_hausdorff_distance: where one of the two lacks the structure it is infinite (a percentile of infinities is NaN, as
 * torch.quantile gives), where both lack it NaN.
 */
export function hausdorffDistance(
  { toTruth, toPrediction }: SurfaceDistances,
  { percentile, directed = false }: { readonly percentile?: number; readonly directed?: boolean } = {},
): number {
  const farthest = (distances: Float32Array): number =>
    percentile === undefined ? largest(distances) : percentileOf(distances, percentile);
  return directed ? farthest(toTruth) : Math.max(farthest(toTruth), farthest(toPrediction));
}

/**
 * The average surface distance in mm: the mean distance from the prediction's surface to the truth's; `symmetric` takes
 * the mean over the voxels of both surfaces. As MONAI 1.5's compute_average_surface_distance: infinite where one lacks the
 * structure, NaN where both do.
 */
export function averageSurfaceDistance(
  { toTruth, toPrediction }: SurfaceDistances,
  { symmetric = false }: { readonly symmetric?: boolean } = {},
): number {
  const parts = symmetric ? [toTruth, toPrediction] : [toTruth];
  let sum = 0;
  let count = 0;
  for (const part of parts) {
    for (const distance of part) sum += distance;
    count += part.length;
  }
  return sum / count;
}

/**
 * The share of the voxels of both surfaces that lie within `tolerance` mm of the other one. As MONAI 1.5's
 * compute_surface_dice without subvoxels: 0 where one lacks the structure, NaN where both do. (Nikolov et al., "Deep
 * learning to achieve clinically applicable segmentation of head and neck anatomy", 2018.)
 */
export function surfaceDice({ toTruth, toPrediction }: SurfaceDistances, tolerance: number): number {
  const limit = Math.fround(tolerance);
  let within = 0;
  for (const part of [toTruth, toPrediction]) for (const distance of part) if (distance <= limit) within++;
  return within / (toTruth.length + toPrediction.length);
}

const largest = (distances: Float32Array): number =>
  distances.length === 0 ? Number.NaN : distances.reduce((most, distance) => Math.max(most, distance), 0);

/** Between the two nearest of the sorted values, linearly, as torch.quantile and numpy.percentile do; NaN of none. */
function percentileOf(values: Float32Array, percentile: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted();
  const place = (percentile / 100) * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (place - below) * (high - low);
}
