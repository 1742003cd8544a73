import type { Shape } from '../engine/tensor.ts';
import { LayerShapeError } from './layerShapeError.ts';

/** The number of axes of an image: height and width, or depth, height and width. */
export type SpatialDims = 2 | 3;

/** One size for all spatial axes, or one for each. */
export type PerAxis = number | readonly number[];

/** Spells a size out for every spatial axis; `least` is the smallest that is allowed. */
export function perAxis(
  layer: string,
  what: string,
  sizes: PerAxis,
  spatialDims: SpatialDims,
  least: number,
): number[] {
  const each = typeof sizes === 'number' ? Array.from({ length: spatialDims }, () => sizes) : [...sizes];
  const unfit = each.find((size) => !Number.isInteger(size) || size < least);
  if (each.length !== spatialDims || unfit !== undefined)
    throw new RangeError(
      `${layer}: ${what} ${JSON.stringify(sizes)} must be a whole number of at least ${least}, ` +
        `or ${spatialDims} of them (one for each spatial axis)`,
    );
  return each;
}

/** A channel count, kernel volume or the like: at least 1. */
export function countOf(layer: string, what: string, count: number): number {
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`${layer}: ${what} is ${count}, and must be a whole number of at least 1`);
  return count;
}

const axisNames = { 2: 'batch, height, width', 3: 'batch, depth, height, width' } as const;

/** Throws unless `input` is (batch, …spatial, channels), of any number of channels where none is given. */
export function expectActivation(layer: string, input: Shape, spatialDims: SpatialDims, channels?: number): void {
  const fits =
    input.length === spatialDims + 2 &&
    input.every((size) => size >= 1) &&
    (channels === undefined || input.at(-1) === channels);
  if (fits) return;
  const last = channels === undefined ? 'channels' : `${channels} channels`;
  throw new LayerShapeError(layer, input, `(${axisNames[spatialDims]}, ${last})`);
}

/** The sizes between batch and channels. */
export const spatialOf = (shape: Shape): number[] => shape.slice(1, -1);

/** The number of channels: the last axis. */
export const channelsOf = (shape: Shape): number => shape.at(-1)!;

/** The same shape with other spatial sizes and channels. */
export const withSpatial = (shape: Shape, spatial: readonly number[], channels: number): number[] => [
  shape[0]!,
  ...spatial,
  channels,
];
