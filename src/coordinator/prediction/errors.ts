import type { Shape } from '../../engine/tensor.ts';

/** What was given to segment, or the place for the results, cannot be used. */
export class PredictInputError extends Error {
  override readonly name = 'PredictInputError';
}

/** Bytes that a worker needs, and may hold. */
export interface Shortage {
  readonly needed: number;
  readonly limit: number;
}

/** An image, or a window of it, of which a worker cannot hold what its part of the network makes. */
export class ImageDoesNotFitError extends Error {
  override readonly name = 'ImageDoesNotFitError';
  readonly file: string;
  /** Bytes that the worker with the largest part needs, and may hold. */
  readonly needed: number;
  readonly limit: number;

  constructor(file: string, shape: Shape, { needed, limit, mode }: Shortage & { mode: 'whole' | 'sliding' }) {
    const what = mode === 'whole' ? 'the whole image' : 'a window';
    const remedy = mode === 'whole' ? 'segment it window by window (--mode sliding)' : 'give smaller windows (--roi)';
    super(
      `${file}: ${what} of ${shape.slice(1, -1).toReversed().join(' × ')} needs about ${gib(needed)} on a worker, which has ` +
        `${gib(limit)}; ${remedy}, or more workers`,
    );
    this.file = file;
    this.needed = needed;
    this.limit = limit;
  }
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 2 : 1)} GiB`;
