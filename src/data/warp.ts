import { ElasticRows, type ElasticField } from './elastic.ts';
import type { Matrix3 } from './affine.ts';
import type { Volume } from './volume.ts';

type Size = readonly [nx: number, ny: number, nz: number];

/** Where each voxel p of a new grid is taken from: source = origin + matrix · p + elastic(p), in voxels of the source. */
export interface Warp {
  readonly size: Size;
  readonly origin: readonly [number, number, number];
  readonly matrix: Matrix3;
  readonly elastic?: ElasticField;
}

/** Where an image and its labels are laid by a warp, the channels slowest as in a volume. */
export interface Warped {
  readonly image: Float32Array;
  readonly labels: Uint8Array;
}

/** Resamples once: the image linearly, the labels by nearest neighbour; 0 outside. */
export function warp(
  image: Volume<Float32Array>,
  labels: Volume<Uint8Array>,
  { size, origin, matrix, elastic }: Warp,
): Warped {
  const [nx, ny, nz] = size;
  const [sx, sy, sz] = image.size;
  const out = new Float32Array(nx * ny * nz * image.channels);
  const classes = new Uint8Array(nx * ny * nz);
  const [[mxx, mxy, mxz] = ZERO, [myx, myy, myz] = ZERO, [mzx, mzy, mzz] = ZERO] = matrix;
  const rows = elastic && new ElasticRows(elastic, size);
  const still = new Float32Array(nx);
  const take = sampler(image, nx * ny * nz);
  const { values: source } = labels;
  const { values, channels } = image;
  const single = channels === 1;
  const plane = sx * sy;
  let at = 0;
  for (let z = 0; z < nz; z++)
    for (let y = 0; y < ny; y++) {
      const beginX = origin[0] + mxy * y + mxz * z;
      const beginY = origin[1] + myy * y + myz * z;
      const beginZ = origin[2] + mzy * y + mzz * z;
      const [dx, dy, dz] = rows?.row(y, z) ?? [still, still, still];
      for (let x = 0; x < nx; x++, at++) {
        const px = beginX + mxx * x + dx[x]!;
        const py = beginY + myx * x + dy[x]!;
        const pz = beginZ + mzx * x + dz[x]!;
        // Most voxels of most volumes are inside and of one channel: no call, and whole numbers of the processor's own.
        if (single && px >= 0 && py >= 0 && pz >= 0 && px < sx - 1 && py < sy - 1 && pz < sz - 1) {
          const [i, j, k] = [px | 0, py | 0, pz | 0];
          out[at] = cube(values, i + sx * j + plane * k, sx, plane, px - i, py - j, pz - k);
        } else take(px, py, pz, out, at);
        const nearX = px + 0.5;
        const nearY = py + 0.5;
        const nearZ = pz + 0.5;
        if (nearX >= 0 && nearX < sx && nearY >= 0 && nearY < sy && nearZ >= 0 && nearZ < sz)
          classes[at] = source[(nearX | 0) + sx * ((nearY | 0) + sy * (nearZ | 0))]!;
      }
    }
  return { image: out, labels: classes };
}

const ZERO = [0, 0, 0] as const;

/** Puts the linearly interpolated channels at a place of the source at voxel `at` of the channels of `out`. */
type Sampler = (x: number, y: number, z: number, out: Float32Array, at: number) => void;

function sampler({ values, size: [nx, ny, nz], channels }: Volume<Float32Array>, voxels: number): Sampler {
  const plane = nx * ny;
  const all = plane * nz;
  return (x, y, z, out, at) => {
    const i = Math.floor(x);
    const j = Math.floor(y);
    const k = Math.floor(z);
    if (i < -1 || j < -1 || k < -1 || i >= nx || j >= ny || k >= nz) return;
    const fx = x - i;
    const fy = y - j;
    const fz = z - k;
    // Neighbours outside count as 0; on the last voxel itself the outer neighbour has no weight.
    const inside = i >= 0 && j >= 0 && k >= 0 && i + 1 < nx && j + 1 < ny && k + 1 < nz;
    for (let c = 0; c < channels; c++) {
      const corner = c * all + i + nx * j + plane * k;
      out[c * voxels + at] = inside
        ? cube(values, corner, nx, plane, fx, fy, fz)
        : edge(values, c * all, [nx, ny, nz], i, j, k, fx, fy, fz);
    }
  };
}

function cube(v: Float32Array, o: number, dy: number, dz: number, fx: number, fy: number, fz: number): number {
  const a = v[o]! + fx * (v[o + 1]! - v[o]!);
  const b = v[o + dy]! + fx * (v[o + dy + 1]! - v[o + dy]!);
  const p = o + dz;
  const c = v[p]! + fx * (v[p + 1]! - v[p]!);
  const d = v[p + dy]! + fx * (v[p + dy + 1]! - v[p + dy]!);
  const front = a + fy * (b - a);
  return front + fz * (c + fy * (d - c) - front);
}

function edge(
  values: Float32Array,
  begin: number,
  [nx, ny, nz]: Size,
  i: number,
  j: number,
  k: number,
  fx: number,
  fy: number,
  fz: number,
): number {
  let sum = 0;
  for (let corner = 0; corner < 8; corner++) {
    const [right, back, up] = [corner & 1, (corner >> 1) & 1, corner >> 2];
    const [x, y, z] = [i + right, j + back, k + up];
    if (x < 0 || y < 0 || z < 0 || x >= nx || y >= ny || z >= nz) continue;
    const weight = (right ? fx : 1 - fx) * (back ? fy : 1 - fy) * (up ? fz : 1 - fz);
    sum += weight * values[begin + x + nx * (y + ny * z)]!;
  }
  return sum;
}
