import { closestAxes, spacingOf } from '../../data/affine.ts';
import type { Volume } from '../../data/volume.ts';

/** A slice of a volume as it is looked at: which voxel axes run right and up, and which way. */
export interface View {
  readonly plane: 'axial' | 'coronal' | 'sagittal';
  readonly horizontal: ViewAxis;
  readonly vertical: ViewAxis;
  /** The voxel axis that is cut, and where. */
  readonly cut: { readonly axis: 0 | 1 | 2; readonly index: number };
}

export interface ViewAxis {
  readonly axis: 0 | 1 | 2;
  /** Voxel indices grow leftwards or downwards on the picture. */
  readonly reversed: boolean;
  readonly length: number;
  /** Millimetres a voxel. */
  readonly spacing: number;
  /** Letters at the low and the high end on the picture: L and R, P and A, I and S. */
  readonly ends: readonly [string, string];
}

const PLANES = [
  { plane: 'axial', across: 2, right: 0, up: 1 },
  { plane: 'coronal', across: 1, right: 0, up: 2 },
  { plane: 'sagittal', across: 0, right: 1, up: 2 },
] as const;

const ENDS = [
  ['L', 'R'],
  ['P', 'A'],
  ['I', 'S'],
] as const;

/** The axial, the coronal and the sagittal slice that show most of the structures; the subject's left is on the left. */
export function chooseViews(labels: Volume<Uint8Array>): readonly View[] {
  const axes = closestAxes(labels.affine);
  const spacing = spacingOf(labels.affine);
  const viewAxis = (world: 0 | 1 | 2): ViewAxis => {
    const { axis, flipped } = axes[world];
    return { axis, reversed: flipped, length: labels.size[axis], spacing: spacing[axis], ends: ENDS[world] };
  };
  return PLANES.map(({ plane, across, right, up }) => {
    const { axis } = axes[across];
    const cut = { axis, index: fullestSlice(labels, axis) };
    return { plane, horizontal: viewAxis(right), vertical: viewAxis(up), cut };
  });
}

/** The slice with the largest Σ over classes of (its voxels of the class) / (most voxels of that class in any slice). */
export function fullestSlice({ values, size }: Volume<Uint8Array>, axis: 0 | 1 | 2): number {
  const length = size[axis];
  const counts = new Map<number, Uint32Array>();
  const stride = axis === 0 ? 1 : axis === 1 ? size[0] : size[0] * size[1];
  for (let i = 0; i < values.length; i++) {
    const label = values[i]!;
    if (label === 0) continue;
    const slices = counts.get(label) ?? new Uint32Array(length);
    slices[Math.floor(i / stride) % length]! += 1;
    counts.set(label, slices);
  }
  const scores = new Float64Array(length);
  for (const slices of counts.values()) {
    const most = slices.reduce((a, b) => Math.max(a, b));
    slices.forEach((count, slice) => (scores[slice]! += count / most));
  }
  // Of slices that show as much, the middle one.
  const most = scores.reduce((a, b) => Math.max(a, b));
  const best = Array.from(scores.keys()).filter((slice) => scores[slice]! >= most - 1e-9);
  return best[(best.length - 1) >> 1]!;
}
