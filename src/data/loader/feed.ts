import type { Shape } from '../../engine/tensor.ts';
import type { Source } from '../../transport/protocol.ts';

/** A mini-batch on the host, channels last. */
export interface Batch {
  /** (batch, …spatial, channels). */
  readonly shape: Shape;
  readonly images: Float32Array;
  /** Class of every voxel (batch, …spatial), where the source has labels. */
  readonly labels?: Uint8Array;
  /** (batch, classes): 1 where the class is annotated. */
  readonly flags?: Float32Array;
}

/** Where mini-batches come from. */
export interface Feed {
  batch(source: Source): Promise<Batch>;
  close(): Promise<void>;
}
