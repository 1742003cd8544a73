import type { RandomStream } from '../random/stream.ts';
import type { Matrix3 } from './affine.ts';
import { drawElasticField } from './elastic.ts';
import type { Warp } from './warp.ts';

type Triple = readonly [number, number, number];

/** How far a grid may be turned, scaled and bent. */
export interface DeformationLimits {
  /** Degrees about each axis. */
  readonly rotate: number;
  readonly scale: number;
  /** Voxels. */
  readonly elastic: number;
}

/** Names the draws of a deformation: `stream('affine')` is always the same stream. */
export type Streams = (purpose: string) => RandomStream;

/** A random deformation about the middle of a box that begins at voxel `start`. Rotations are turns in space: voxels may be oblong. */
export function drawWarp(
  streams: Streams,
  box: { readonly start: Triple; readonly size: Triple },
  spacing: Triple,
  limits: DeformationLimits,
): Warp {
  const matrix = drawMatrix(streams('affine'), spacing, limits, box.size);
  const middle = (axis: 0 | 1 | 2): number => (box.size[axis] - 1) / 2;
  const origin = (axis: 0 | 1 | 2): number => {
    const [x, y, z] = matrix[axis] ?? [0, 0, 0];
    return box.start[axis] + middle(axis) - (x * middle(0) + y * middle(1) + z * middle(2));
  };
  const bent = limits.elastic > 0 ? { elastic: drawElasticField(streams('elastic'), box.size, limits.elastic) } : {};
  return { size: box.size, origin: [origin(0), origin(1), origin(2)], matrix, ...bent };
}

/** D⁻¹ · Rz · Ry · Rx · S · D with D the voxel sizes: one voxel of the new grid in voxels of the source. */
function drawMatrix(stream: RandomStream, spacing: Triple, limits: DeformationLimits, size: Triple): Matrix3 {
  // A single slice turns in its plane only.
  const flat = size[2] === 1;
  const angle = (): number => (stream.uniform(-limits.rotate, limits.rotate) * Math.PI) / 180;
  const zoom = (): number => 1 + stream.uniform(-limits.scale, limits.scale);
  const [aboutX, aboutY, aboutZ] = [angle(), angle(), angle()];
  const [zoomX, zoomY, zoomZ] = [zoom(), zoom(), zoom()];
  const turn = rotation(flat ? 0 : aboutX, flat ? 0 : aboutY, aboutZ);
  const zooms = [zoomX, zoomY, flat ? 1 : zoomZ] as const;
  return turn.map(
    (row, i) =>
      [0, 1, 2].map((j) => {
        const element = (row[j] ?? 0) * zooms[j]!;
        return i === j ? element : (element * spacing[j]!) / spacing[i]!;
      }) as [number, number, number],
  );
}

function rotation(x: number, y: number, z: number): Matrix3 {
  const [cx, sx, cy, sy, cz, sz] = [Math.cos(x), Math.sin(x), Math.cos(y), Math.sin(y), Math.cos(z), Math.sin(z)];
  return [
    [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
    [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
    [-sy, cy * sx, cy * cx],
  ];
}
