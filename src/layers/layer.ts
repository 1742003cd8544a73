import type { Engine } from '../engine/engine.ts';
import type { Shape, Tensor } from '../engine/tensor.ts';
import type { LayerDescription } from './description.ts';
import type { ParameterSpec } from './parameter.ts';
import type { ParameterStore } from './parameterStore.ts';

/** What a layer may know of the pass that it takes part in. */
export interface Pass {
  readonly engine: Engine;
  readonly parameters: ParameterStore;
  /** `train`: batch statistics, dropout. `evaluate`: running statistics, no dropout. */
  readonly mode: 'train' | 'evaluate';
  /** The second forward pass of a micro-batch under recomputation: buffers are left alone. */
  readonly recomputing: boolean;
  /** Running statistics: from every micro-batch, or once a mini-batch (torchgpipe's deferred batch normalization). */
  readonly batchNorm: 'micro' | 'deferred';
  /** Whether anything is kept for a backward pass. Where not, `saved` is empty. */
  readonly keep: boolean;
  /** Names the random draws (dropout): the same for the same sample and step, whatever the partition. One entry a sample. */
  readonly draws: readonly string[];
}

/** Tensors that a backward pass reads, owned by whoever holds the record. */
export type Saved = readonly Tensor[];

export interface Forward {
  readonly output: Tensor;
  readonly saved: Saved;
}

/** What a forward pass in training keeps for the backward pass, told without running it. */
export interface Kept {
  /** Whether it keeps a handle on its input, or on its output: values that a neighbour may keep as well, in the same memory. */
  readonly input: boolean;
  readonly output: boolean;
  /** Bytes of what it keeps beyond that. */
  readonly bytes: number;
  /** Whether the output is the input itself, under another handle; not, where nothing is said. */
  readonly passesThrough?: boolean;
}

/** Bytes alive for a moment beside input and output, or their gradients; those of parameters are not counted. */
export interface Scratch {
  readonly forward: number;
  readonly backward: number;
}

/**
 * One operation, forward and backward side by side. A layer has no state: parameters live in the store, what the backward
 * pass reads goes through `saved`, so that many micro-batches can be in flight. Arguments stay the caller's.
 *
 * The backward pass comes in two halves, so that a schedule can put other work between them (Qi et al., Zero Bubble, 2024).
 */
export interface Layer {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  readonly description: LayerDescription;
  /** Whether `backwardWeights` has anything to do. Where not, nothing need be held for it. */
  readonly weightsLater: boolean;
  /** Buffers that follow what every micro-batch in training shows, r ← (1 − m)·r + m·s, and the momentum m; where there are any. */
  readonly running?: { readonly buffers: readonly string[]; readonly momentum: number };
  /** Shape of the output for an input (batch, …spatial, channels); throws a LayerShapeError where none fits. */
  outputShape(input: Shape): Shape;
  /** Floating-point operations (multiply and add count as two) of a forward pass: the analytic cost. */
  operations(input: Shape): number;
  /** What `saved` will hold in training for an input of this shape: the memory that a micro-batch in flight costs. */
  kept(input: Shape): Kept;
  /** What its kernels take for a moment; nothing, where it is not there. */
  scratch?(input: Shape): Scratch;
  forward(pass: Pass, input: Tensor): Forward;
  /** The gradient of the input, from the output's. Also adds those parameter gradients that come with it for nothing. */
  backwardInput(pass: Pass, saved: Saved, outputGradient: Tensor): Tensor;
  /** Adds the gradients of the parameters to the store. */
  backwardWeights(pass: Pass, saved: Saved, outputGradient: Tensor): void;
  /** After the last micro-batch: updates buffers from what the forward passes gathered. A second call does nothing. */
  endMiniBatch?(pass: Pick<Pass, 'engine' | 'parameters'>): void;
}
