/** Along x, y, z. */
export type Triple = readonly [x: number, y: number, z: number];

/** The windows that cover an image. */
export interface Windows {
  /** Of the image. */
  readonly size: Triple;
  /** Of every window. */
  readonly roi: Triple;
  /** First voxels in the image's own indices, by ascending z, then y, then x. Negative where the image is smaller than the window. */
  readonly starts: readonly Triple[];
}

/**
 * Lays windows over an image as MONAI's `dense_patch_slices` does: they advance by ⌊roi · (1 − overlap)⌋ and the last one is
 * shifted inward, so that it ends with the image. Where the image is smaller than the window it lies in the window's middle,
 * with ⌊difference / 2⌋ voxels before it.
 */
export function planWindows(size: Triple, roi: Triple, overlap: Triple): Windows {
  const [xs, ys, zs] = [0, 1, 2].map((axis) => startsAlong(size[axis]!, roi[axis]!, overlap[axis]!));
  const starts = zs!.flatMap((z) => ys!.flatMap((y) => xs!.map((x): Triple => [x, y, z])));
  return { size, roi, starts };
}

function startsAlong(length: number, roi: number, overlap: number): readonly number[] {
  if (roi >= length) return [0 - Math.floor((roi - length) / 2)];
  const interval = Math.max(1, Math.trunc(roi * (1 - overlap)));
  const count = Math.ceil((length - roi) / interval) + 1;
  return Array.from({ length: count }, (_, index) => Math.min(index * interval, length - roi));
}
