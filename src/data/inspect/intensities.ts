import type { Volume, VoxelArray } from '../volume.ts';
import { percentilesOf } from './percentiles.ts';

/** The values of one channel. */
export interface Intensities {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Share of the voxels that are not 0. */
  readonly nonzero: number;
  /** Of the voxels that are not 0: the 0.5th, 50th and 99.5th percentile; null where all are 0. */
  readonly percentiles: readonly number[] | null;
  /** Voxels that are NaN or infinite; the other figures leave them out. */
  readonly unfit: number;
}

const SHARES = [0.005, 0.5, 0.995];

/** Figures of every channel of an image. */
export function intensitiesOf({ values, channels }: Volume): readonly Intensities[] {
  const size = values.length / channels;
  return Array.from({ length: channels }, (_, channel) =>
    ofChannel(values.subarray(channel * size, (channel + 1) * size)),
  );
}

function ofChannel(values: VoxelArray): Intensities {
  let [min, max, sum, zeros, unfit] = [Infinity, -Infinity, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      unfit += 1;
      continue;
    }
    if (value < min) min = value;
    if (value > max) max = value;
    if (value === 0) zeros += 1;
    sum += value;
  }
  const fit = values.length - unfit;
  const percentiles = percentilesOf(values, SHARES, (value) => value !== 0 && Number.isFinite(value)) ?? null;
  if (fit === 0) return { min: 0, max: 0, mean: 0, nonzero: 0, percentiles, unfit };
  return { min, max, mean: sum / fit, nonzero: (fit - zeros) / fit, percentiles, unfit };
}
