import type { TransformSpec } from '../../config/runFile.ts';
import type { RandomStream } from '../../random/stream.ts';
import type { Volume, VoxelArray } from '../volume.ts';

/** An image on its way through the transforms, with its labels where it has any: both on one grid. */
export interface Subject {
  /** The image's file, for messages. */
  readonly file: string;
  readonly image: Volume<Float32Array>;
  readonly labels?: Volume<Uint8Array> | undefined;
  /** Voxel indices of every class on this grid, where they are known: what moves voxels leaves them out. */
  readonly voxels?: readonly Uint32Array[] | undefined;
}

/** Names the draws of a transform: `streams('angle')` is always the same stream for the same sample. */
export type Streams = (purpose: string) => RandomStream;

/**
 * One step of the data path. Image and labels move together, the image linearly and the labels by nearest neighbour, and the
 * affine follows, so that every voxel stays where it is in space. Arguments are left as they are.
 */
export type Transform =
  | { readonly kind: 'deterministic'; apply(subject: Subject): Subject }
  | { readonly kind: 'random'; apply(subject: Subject, streams: Streams): Subject };

export type DeterministicTransform = Extract<Transform, { kind: 'deterministic' }>;
export type RandomTransform = Extract<Transform, { kind: 'random' }>;

/** What a run file says of the transform of this name. */
export type SpecOf<Name extends TransformSpec['name']> = Omit<Extract<TransformSpec, { name: Name }>, 'name'>;

/** Image and labels moved together; where voxels were is known no more. */
export const moved = (
  { file, image, labels }: Subject,
  move: <T extends VoxelArray>(volume: Volume<T>) => Volume<T>,
): Subject => ({ file, image: move(image), labels: labels && move(labels) });

/** The image with other values of its own. */
export const revalued = (subject: Subject, values: Float32Array): Subject => ({
  ...subject,
  image: { ...subject.image, values },
});
