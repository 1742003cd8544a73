import type { Shape } from '../../engine/tensor.ts';
import type { Source } from '../../transport/protocol.ts';
import type { SkippedCase } from './skipping.ts';

/** One sample of a mini-batch on the host, channels last: a crop, a whole image or a slice. Whoever is given it only reads it. */
export interface FeedSample {
  /** (…spatial, channels). */
  readonly shape: Shape;
  readonly image: Float32Array;
  /** Class of every voxel (…spatial), where the source has labels. */
  readonly labels?: Uint8Array;
  /** In the place of labels: the gradient of the network's output (…spatial, channels). */
  readonly outputGradient?: { readonly shape: Shape; readonly values: Float32Array };
  /** For every class, whether it is annotated. */
  readonly annotated?: readonly boolean[];
  /** The image's file, for messages, where there is one. */
  readonly file?: string;
}

/** A mini-batch, or a whole image as slices: samples that need not agree in size, unless they share a micro-batch. */
export type Batch = readonly FeedSample[];

/** Where mini-batches come from. */
export interface Feed {
  batch(source: Source): Promise<Batch>;
  /** Training cases that were found to be of no use so far, in the order in which they were found. */
  readonly skipped?: readonly SkippedCase[];
  close(): Promise<void>;
}

/** Samples that lie behind one another in memory: (batch, …spatial, channels), not copied. */
export function samplesOf(
  [count = 1, ...shape]: Shape,
  { images, labels, flags }: { images: Float32Array; labels?: Uint8Array; flags?: Float32Array },
): FeedSample[] {
  const part = <T extends Float32Array | Uint8Array>(values: T, s: number): T => {
    const width = values.length / count;
    return values.subarray(s * width, (s + 1) * width) as T;
  };
  return Array.from({ length: count }, (_, s) => ({
    shape,
    image: part(images, s),
    ...(labels ? { labels: part(labels, s) } : {}),
    ...(flags ? { annotated: Array.from(part(flags, s), (flag) => flag !== 0) } : {}),
  }));
}
