import type { Volume, VoxelArray } from './volume.ts';

/**
 * What lies outside an image: a value, or the nearest voxel of its border, or the image mirrored at the middle of its first
 * and last voxels (`border` and `reflection` as PyTorch's grid_sample with aligned corners).
 */
export type Padding = number | 'border' | 'reflection';

/** Places of one row of voxels, along x, y and z in voxels of the image that is sampled. */
interface Places {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly z: Float64Array;
}

const placesOf = (length: number): Places => ({
  x: new Float64Array(length),
  y: new Float64Array(length),
  z: new Float64Array(length),
});

type Size = Volume['size'];

/** Brings places that lie outside back into the image, where something is to be had for them. Changes `places`. */
function foldPlaces(places: Places, [nx, ny, nz]: Size, padding: Padding): void {
  if (typeof padding === 'number') return;
  const fold = padding === 'border' ? clampAll : reflectAll;
  fold(places.x, nx - 1);
  fold(places.y, ny - 1);
  fold(places.z, nz - 1);
}

function clampAll(places: Float64Array, last: number): void {
  for (let i = 0; i < places.length; i++) {
    const p = places[i]!;
    if (p < 0) places[i] = 0;
    else if (p > last) places[i] = last;
  }
}

function reflectAll(places: Float64Array, last: number): void {
  for (let i = 0; i < places.length; i++) {
    const p = places[i]!;
    if (p >= 0 && p <= last) continue;
    const rest = last === 0 ? 0 : Math.abs(p) % (2 * last);
    places[i] = rest > last ? 2 * last - rest : rest;
  }
}

/** Linear interpolation of one row of places from the channel that begins at `begin`; neighbours outside count as `outside`. */
function sampleLinear(
  { values: v, size }: Volume<Float32Array>,
  begin: number,
  { x: xs, y: ys, z: zs }: Places,
  outside: number,
  out: Float32Array,
  at: number,
): void {
  const [nx, ny, nz] = size;
  const plane = nx * ny;
  for (let n = 0; n < xs.length; n++) {
    const x = xs[n]!;
    const y = ys[n]!;
    const z = zs[n]!;
    if (!(x >= 0 && y >= 0 && z >= 0 && x <= nx - 1 && y <= ny - 1 && z <= nz - 1)) {
      out[at + n] = besideEdge(v, begin, size, x, y, z, outside);
      continue;
    }
    const i = x | 0;
    const j = y | 0;
    const k = z | 0;
    const fx = x - i;
    const fy = y - j;
    const fz = z - k;
    const o = begin + i + nx * j + plane * k;
    // On the last voxel itself the next one has no weight, so any may stand for it.
    const dx = i + 1 < nx ? 1 : 0;
    const dy = j + 1 < ny ? nx : 0;
    const p = k + 1 < nz ? o + plane : o;
    const a = v[o]! + fx * (v[o + dx]! - v[o]!);
    const b = v[o + dy]! + fx * (v[o + dy + dx]! - v[o + dy]!);
    const c = v[p]! + fx * (v[p + dx]! - v[p]!);
    const d = v[p + dy]! + fx * (v[p + dy + dx]! - v[p + dy]!);
    const front = a + fy * (b - a);
    out[at + n] = front + fz * (c + fy * (d - c) - front);
  }
}

function besideEdge(
  values: Float32Array,
  begin: number,
  [nx, ny, nz]: Size,
  px: number,
  py: number,
  pz: number,
  outside: number,
): number {
  if (!(px > -1 && py > -1 && pz > -1 && px < nx && py < ny && pz < nz)) return outside;
  const [i, j, k] = [Math.floor(px), Math.floor(py), Math.floor(pz)];
  const [fx, fy, fz] = [px - i, py - j, pz - k];
  let sum = 0;
  for (let corner = 0; corner < 8; corner++) {
    const [right, back, up] = [corner & 1, (corner >> 1) & 1, corner >> 2];
    const [x, y, z] = [i + right, j + back, k + up];
    const weight = (right ? fx : 1 - fx) * (back ? fy : 1 - fy) * (up ? fz : 1 - fz);
    const lies = x >= 0 && y >= 0 && z >= 0 && x < nx && y < ny && z < nz;
    sum += weight * (lies ? values[begin + x + nx * (y + ny * z)]! : outside);
  }
  return sum;
}

/** Adding and taking away 1.5 · 2⁵² rounds to the nearest whole number, a half to the even one, as PyTorch does. */
const ROUNDING = 1.5 * 2 ** 52;

/** The nearest whole number, of two the even one. */
export const roundEven = (value: number): number => value + ROUNDING - ROUNDING;

/** The nearest voxel of each place of one row, from the channel that begins at `begin`. */
function sampleNearest<T extends VoxelArray>(
  { values, size: [nx, ny, nz] }: Volume<T>,
  begin: number,
  { x: xs, y: ys, z: zs }: Places,
  outside: number,
  out: T,
  at: number,
): void {
  const plane = nx * ny;
  for (let n = 0; n < xs.length; n++) {
    const i = roundEven(xs[n]!);
    const j = roundEven(ys[n]!);
    const k = roundEven(zs[n]!);
    const lies = i >= 0 && j >= 0 && k >= 0 && i < nx && j < ny && k < nz;
    out[at + n] = lies ? values[begin + i + nx * j + plane * k]! : outside;
  }
}

/** Writes the places of row (·, y, z) of a new grid, in voxels of the image that is sampled. */
export type RowPlaces = (y: number, z: number, places: Places) => void;

/** Fills one row of a new volume, whose places are known, from an image. */
export type RowSampler = (places: Places, y: number, z: number) => void;

/** Fills rows of `out` from `image`, in all channels; what is not in floats only from the nearest voxel. */
export function rowSampler<T extends VoxelArray>(
  image: Volume<T>,
  out: Volume<T>,
  mode: 'linear' | 'nearest',
  padding: Padding,
): RowSampler {
  const [nx, ny, nz] = out.size;
  const voxels = image.size[0] * image.size[1] * image.size[2];
  const outside = typeof padding === 'number' ? padding : 0;
  return (places, y, z) => {
    for (let c = 0; c < image.channels; c++) {
      const at = nx * (y + ny * (z + nz * c));
      if (mode === 'linear' && isFloats(image) && isFloats(out))
        sampleLinear(image, c * voxels, places, outside, out.values, at);
      else sampleNearest(image, c * voxels, places, outside, out.values, at);
    }
  };
}

const isFloats = (volume: Volume): volume is Volume<Float32Array> => volume.values instanceof Float32Array;

/** Goes through the rows of a new grid of size `to`: the places of each in an image of size `from`, then every sampler. */
export function sampleRows(
  { from, to }: { from: Size; to: Size },
  padding: Padding,
  placesAt: RowPlaces,
  samplers: readonly RowSampler[],
): void {
  const places = placesOf(to[0]);
  for (let z = 0; z < to[2]; z++)
    for (let y = 0; y < to[1]; y++) {
      placesAt(y, z, places);
      foldPlaces(places, from, padding);
      for (const sample of samplers) sample(places, y, z);
    }
}
