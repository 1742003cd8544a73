import type { Intensities } from './intensities.ts';
import type { LabelNames } from './labelCounts.ts';

/** Something that is wrong with a file or with a data set (`error`), or that its user should know (`warning`). */
export interface Problem {
  readonly severity: 'error' | 'warning';
  /** The file, or the names of the cases, that it is about. */
  readonly place: string;
  readonly problem: string;
  readonly remedy: string;
}

/** What is asked of every case. */
export interface Expectation {
  readonly labels: LabelNames;
  /** Channels of the images; undefined where nobody says. */
  readonly channels: number | undefined;
  /** Axes of the network, where there is one already. */
  readonly spatialDims: 2 | 3 | undefined;
  /** Whether validation cases are deformed, so that they may be training cases. */
  readonly deformed: boolean;
  readonly npy_spacing?: readonly [number, number, number] | undefined;
}

export interface InspectedImage {
  /** Along x, y, z. */
  readonly size: readonly number[];
  readonly channels: number;
  /** Along x, y, z in millimetres. */
  readonly spacing: readonly number[];
  /** Where the voxel axes run: `RAS` is right, anterior, superior. */
  readonly axes: string;
  /** Of every channel. */
  readonly intensities: readonly Intensities[];
}

export interface InspectedCase {
  readonly name: string;
  readonly set: 'train' | 'validation';
  /** Undefined where its first file cannot be read. */
  readonly image: InspectedImage | undefined;
  /** Voxels by label, of those that can be read; undefined where none can. */
  readonly labels: Readonly<Record<string, number>> | undefined;
  /** Structures without a mask. */
  readonly unannotated: readonly string[];
  readonly problems: readonly Problem[];
}

export interface Inspection {
  /** Names of the labels, background first. */
  readonly names: readonly string[];
  readonly cases: readonly InspectedCase[];
  /** What is only to be seen between cases. */
  readonly across: readonly Problem[];
}
