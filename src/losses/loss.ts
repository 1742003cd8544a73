import type { Engine } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';

/** What a micro-batch of logits is compared with. */
export interface LossTarget {
  /** (batch, …spatial): class indices, int32. */
  readonly labels: Tensor;
  /** (batch, classes): 1 where the class is annotated in the sample, 0 where it is not and so must not be learnt. Absent: all 1. */
  readonly flags?: Tensor;
  /** Samples of the whole mini-batch, of which the micro-batch is a part. */
  readonly batchSize: number;
  /** Sum of the class weights over all voxels of the whole mini-batch: see `labelWeightTotal` and `CrossEntropyLoss`. */
  readonly weightTotal?: number;
}

export interface LossResult {
  /** What the micro-batch adds to the loss of the mini-batch. */
  readonly value: number;
  /** Of the mini-batch's loss with respect to these logits; the caller's. */
  readonly gradient: Tensor;
}

/**
 * A loss of whole mini-batches, evaluated micro-batch by micro-batch: the values add up to the loss of the mini-batch and the
 * gradients are its gradients, however the mini-batch is cut.
 */
export interface Loss {
  /** `logits`: (batch, …spatial, classes), before any softmax. Arguments stay the caller's. */
  evaluate(engine: Engine, logits: Tensor, target: LossTarget): LossResult;
}
