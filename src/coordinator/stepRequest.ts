import type { FoundNotFinite, ReplyTo, Source } from '../transport/protocol.ts';
import type { TensorMessage } from '../transport/tensorMessage.ts';
import type { StepRecording } from './stepTrace.ts';

export interface StepRequest {
  readonly step: number;
  readonly source: Source;
  /** Samples of every micro-batch. */
  readonly microBatches: readonly number[];
}

export interface TrainRequest extends StepRequest {
  /** What names the random draws of every sample. */
  readonly draws: readonly string[];
  /** Whether the logits of the forward pass are sent back, for comparison. */
  readonly logits?: boolean;
  /** Whether the norm of the gradients is wanted. */
  readonly norm: boolean;
  /** Whether the gradients are gathered for a later step's update: then replicas do not sum them yet. Not, unless given. */
  readonly gathers?: boolean;
  /** Where a teacher has seen the mini-batch before (`teach`): the noise of the student's images, and how far it is held to it. */
  readonly ensembling?: EnsemblingStep;
}

/** The student's part of a self-ensembling step. */
export interface EnsemblingStep {
  /** Standard deviation of what is added to the images. */
  readonly noise: number;
  readonly consistency: { readonly weight: number; readonly otherwise: number };
}

/** Where a value came up that is NaN or infinite, and whether that was in the teacher's pass. */
export type FoundPlace = FoundNotFinite & { readonly teacher?: true };

export interface StepResult {
  readonly loss: number;
  /** √Σ g² over all workers, where it was asked for. */
  readonly gradientNorm: number | undefined;
  readonly workers: readonly ReplyTo<'step'>[];
  /** What happened when. */
  readonly recording: StepRecording;
  /** The logits of every micro-batch, where they were asked for. */
  readonly outputs: readonly TensorMessage[];
  /** Seconds for which the first stage waited for images. */
  readonly loading: number;
}
