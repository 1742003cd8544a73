import { MetricShapeError, type Labels } from './dice.ts';
import { squaredDistances, type SpacedGrid } from './distanceTransform.ts';

/** How far the surfaces of a prediction and of the truth lie from one another, in mm; one value for each voxel of a surface. */
export interface SurfaceDistances {
  /** From every voxel of the prediction's surface to the truth's. */
  readonly toTruth: Float32Array;
  /** From every voxel of the truth's surface to the prediction's. */
  readonly toPrediction: Float32Array;
}

/**
 * Distances between the surfaces of one structure in two label volumes on the same grid, as MONAI 1.5 takes them. A
 * structure's surface is those of its voxels of which a neighbour along an axis does not belong to it; beyond the image's
 * border nothing does. Where one of the two volumes lacks the structure, both directions have infinite distances, one for each
 * voxel of the other's surface; where both lack it there are none. Works within the box around the structure alone.
 */
export function surfaceDistances(prediction: Labels, truth: Labels, label: number, grid: SpacedGrid): SurfaceDistances {
  checkLengths(prediction, truth, grid);
  const box = boxAround([prediction, truth], label, grid.size);
  const inBox = { size: box.size, spacing: grid.spacing };
  const predicted = surfaceWithin(prediction, label, grid.size, box);
  const actual = surfaceWithin(truth, label, grid.size, box);
  const [few, many] = [countOf(predicted), countOf(actual)];
  if (few === 0 || many === 0) {
    const unreached = new Float32Array(few + many).fill(Infinity);
    return { toTruth: unreached, toPrediction: unreached };
  }
  return {
    toTruth: distancesAt(predicted, few, squaredDistances(actual, inBox)),
    toPrediction: distancesAt(actual, many, squaredDistances(predicted, inBox)),
  };
}

function checkLengths(prediction: Labels, truth: Labels, { size }: SpacedGrid): void {
  const voxels = size.reduce((product, length) => product * length, 1);
  if (prediction.length !== voxels || truth.length !== voxels)
    throw new MetricShapeError(
      `a grid of ${size.join(' × ')} has ${voxels} voxels; the prediction has ${prediction.length}, the truth ${truth.length}`,
    );
}

interface Box {
  readonly start: readonly number[];
  readonly size: readonly number[];
}

/** The smallest box with every voxel of a label in any of the volumes; nothing wide where there is none. */
function boxAround(volumes: readonly Labels[], label: number, size: readonly number[]): Box {
  const [nx = 1, ny = 1, nz = 1] = size;
  const low: [number, number, number] = [nx, ny, nz];
  const high: [number, number, number] = [-1, -1, -1];
  for (const values of volumes)
    for (let z = 0, i = 0; z < nz; z++)
      for (let y = 0; y < ny; y++)
        for (let x = 0; x < nx; x++, i++) {
          if (values[i] !== label) continue;
          if (x < low[0]) low[0] = x;
          if (x > high[0]) high[0] = x;
          if (y < low[1]) low[1] = y;
          if (y > high[1]) high[1] = y;
          if (z < low[2]) low[2] = z;
          if (z > high[2]) high[2] = z;
        }
  const start = size.map((_, axis) => low[axis]!);
  return { start, size: start.map((from, axis) => Math.max(0, high[axis]! - from + 1)) };
}

/** 1 at every surface voxel of a label within a box around all of it, 0 elsewhere. */
function surfaceWithin(values: Labels, label: number, size: readonly number[], box: Box): Uint8Array {
  const mask = maskWithin(values, label, size, box);
  const surface = new Uint8Array(mask.length);
  const [nx = 1, ny = 1, nz = 1] = box.size;
  const plane = nx * ny;
  // Two axes: a slice by itself, of which the contour is the surface.
  const solid = box.size.length > 2;
  for (let z = 0, i = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, i++) {
        if (mask[i] === 0) continue;
        const inside =
          x > 0 &&
          x + 1 < nx &&
          y > 0 &&
          y + 1 < ny &&
          (!solid || (z > 0 && z + 1 < nz && mask[i - plane] === 1 && mask[i + plane] === 1)) &&
          mask[i - 1] === 1 &&
          mask[i + 1] === 1 &&
          mask[i - nx] === 1 &&
          mask[i + nx] === 1;
        if (!inside) surface[i] = 1;
      }
  return surface;
}

function maskWithin(values: Labels, label: number, size: readonly number[], box: Box): Uint8Array {
  const [nx = 1, ny = 1] = size;
  const [x0 = 0, y0 = 0, z0 = 0] = box.start;
  const [width = 1, height = 1, depth = 1] = box.size;
  const mask = new Uint8Array(width * height * depth);
  for (let z = 0, i = 0; z < depth; z++)
    for (let y = 0; y < height; y++) {
      const row = x0 + nx * (y0 + y + ny * (z0 + z));
      for (let x = 0; x < width; x++, i++) if (values[row + x] === label) mask[i] = 1;
    }
  return mask;
}

const countOf = (mask: Uint8Array): number => mask.reduce((sum, value) => sum + value, 0);

/** In single precision as MONAI's, so that a distance of three times 0.1 mm is within a tolerance of 0.3 mm. */
function distancesAt(surface: Uint8Array, count: number, squares: Float64Array): Float32Array {
  const distances = new Float32Array(count);
  let next = 0;
  for (let i = 0; i < surface.length; i++) if (surface[i] === 1) distances[next++] = Math.sqrt(squares[i]!);
  return distances;
}
