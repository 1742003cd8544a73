import type { TrainEvent } from './trainEvent.ts';

/** Something that happened while images are segmented. */
export type PredictEvent =
  /** An image is taken up; 1 is the first. */
  | { kind: 'file'; input: string; number: number; files: number }
  /** Windows of it that are through, or slices where a network of two axes sees it whole. */
  | { kind: 'windows'; input: string; done: number; all: number }
  | { kind: 'skipped'; input: string; output: string }
  | { kind: 'failed'; input: string; error: string }
  | { kind: 'saved'; path: string; what: 'segmentation' | 'probabilities' }
  | Extract<TrainEvent, { kind: 'note' }>;
