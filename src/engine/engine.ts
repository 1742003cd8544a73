import type * as tf from '@tensorflow/tfjs';
import type { Shape, Tensor } from './tensor.ts';

/** `tensorflow`: libtensorflow (CUDA, or oneDNN on a CPU). `cpu`: plain tfjs, the last resort and the reference in tests. */
export type EngineName = 'tensorflow' | 'cpu';

/** Element-wise and shape operations that need no kernel of ours; they mean what they mean in tfjs. */
export type TensorMath = Pick<
  typeof tf,
  | 'add'
  | 'addN'
  | 'sub'
  | 'mul'
  | 'div'
  | 'neg'
  | 'abs'
  | 'sqrt'
  | 'rsqrt'
  | 'square'
  | 'pow'
  | 'exp'
  | 'log'
  | 'sigmoid'
  | 'softmax'
  | 'logSoftmax'
  | 'sum'
  | 'mean'
  | 'max'
  | 'maximum'
  | 'minimum'
  | 'argMax'
  | 'oneHot'
  | 'reshape'
  | 'transpose'
  | 'concat'
  | 'slice'
  | 'pad'
  | 'split'
  | 'matMul'
  | 'cast'
  | 'scalar'
  | 'zeros'
  | 'ones'
  | 'fill'
  | 'greater'
  | 'where'
  | 'clipByValue'
  | 'expandDims'
  | 'squeeze'
  | 'reverse'
  | 'zerosLike'
  | 'onesLike'
  | 'tile'
>;

/** How a convolution walks over its input: one entry for each spatial axis. */
export interface ConvolutionGeometry {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Zeros put before and after each axis, as PyTorch's symmetric `padding` (before = after) or any other. */
  readonly padding: readonly (readonly [before: number, after: number])[];
}

/** A pooling window: one entry for each spatial axis. */
export interface PoolGeometry {
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
}

/** What batch normalization in training mode computed; `saved` is for `batchNormGradient` only. */
export interface BatchNormResult {
  readonly output: Tensor;
  /** (channels): mean and biased variance of the batch. */
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly saved: readonly Tensor[];
}

/** A parameter or optimizer state that is updated in place. */
export interface Variable {
  readonly shape: Shape;
  /**
   * The value now, without a copy; the caller disposes the handle before the next update of this variable: one that is
   * still held keeps the old value, and costs the update a copy.
   */
  read(): Tensor;
  /** Takes a copy (the caller keeps `value`). */
  assign(value: Tensor): void;
  dispose(): void;
}

/** Fused in-place updates; see the optimizers for how PyTorch's semantics map to them. Gradients stay the caller's. */
export interface Updates {
  /** v ← μ·v + g; p ← p − rate·v, or with Nesterov p ← p − rate·(g + μ·v). */
  momentum(p: Variable, v: Variable, g: Tensor, o: { rate: number; momentum: number; nesterov: boolean }): void;
  /** m ← β1·m + (1−β1)·g; v ← β2·v + (1−β2)·g²; p ← p − rate·√(1−β2Power)/(1−β1Power)·m/(√v + ε). */
  adam(
    p: Variable,
    m: Variable,
    v: Variable,
    g: Tensor,
    o: { rate: number; beta1: number; beta2: number; beta1Power: number; beta2Power: number; epsilon: number },
  ): void;
  /** v ← α·v + (1−α)·g²; p ← p − rate·g/(√v + ε): PyTorch's RMSprop, without the first moment that Adam would keep. */
  rmsprop(p: Variable, v: Variable, g: Tensor, o: { rate: number; alpha: number; epsilon: number }): void;
  /** p ← p − rate·g. */
  descend(p: Variable, g: Tensor, rate: number): void;
  /** p ← factor·p (decoupled weight decay). */
  scale(p: Variable, factor: number): void;
}

/**
 * Tensors and kernels of one process. Arrays are channels last. Every method returns tensors that the caller owns and
 * leaves its arguments to the caller. The forward kernel of an operation and its gradients stand side by side.
 */
export interface Engine {
  readonly name: EngineName;
  /** Whether operations return before their values are there, as on a GPU. */
  readonly runsAhead: boolean;
  readonly math: TensorMath;
  readonly updates: Updates;

  // memory
  /** Wraps values as a tensor, without a copy where it can: the caller does not write to them afterwards. Float32Array → float32, Int32Array and Uint8Array → int32. */
  tensor(values: Float32Array | Int32Array | Uint8Array, shape: Shape): Tensor;
  /** The values on the host. */
  read(tensor: Tensor): Float32Array | Int32Array;
  /** Another handle on the same values, to be disposed on its own. */
  share(tensor: Tensor): Tensor;
  /** Disposes what was made inside and is not in the result. */
  tidy<T extends tf.TensorContainer | object | void>(body: () => T): T;
  /** Lets a tensor outlive the `tidy` that it was made in; returns it. */
  keep(tensor: Tensor): Tensor;
  /** A variable that starts with a copy of `initial`. */
  variable(initial: Tensor): Variable;
  /** Live tensors and bytes, for the leak tests and for reports. Variables count too. */
  memory(): { tensors: number; bytes: number };
  /** The most bytes of values that were alive at once since the last call, variables among them; handles on the same values count once. */
  takePeak(): number;

  // convolution, 2 or 3 spatial axes; filters are (…kernel, in, out)
  convolve(x: Tensor, filter: Tensor, geometry: ConvolutionGeometry): Tensor;
  convolveInputGradient(inputShape: Shape, filter: Tensor, dy: Tensor, geometry: ConvolutionGeometry): Tensor;
  convolveFilterGradient(x: Tensor, filterShape: Shape, dy: Tensor, geometry: ConvolutionGeometry): Tensor;
  addBias(x: Tensor, bias: Tensor): Tensor;
  biasGradient(dy: Tensor): Tensor;

  // normalization over all axes but the last, ε inside the root
  batchNorm(x: Tensor, scale: Tensor, offset: Tensor, epsilon: number): BatchNormResult;
  batchNormGradient(
    x: Tensor,
    dy: Tensor,
    scale: Tensor,
    saved: readonly Tensor[],
    epsilon: number,
  ): { input: Tensor; scale: Tensor; offset: Tensor };
  /** With given statistics (evaluation mode). */
  batchNormInference(x: Tensor, scale: Tensor, offset: Tensor, mean: Tensor, variance: Tensor, epsilon: number): Tensor;

  // activations; slope 0 is ReLU
  leakyRelu(x: Tensor, slope: number): Tensor;
  /** `sign` is the input or the output of the forward pass: for slope ≥ 0 both have the same sign. */
  leakyReluGradient(sign: Tensor, dy: Tensor, slope: number): Tensor;

  // pooling without padding
  maxPool(x: Tensor, geometry: PoolGeometry): Tensor;
  maxPoolGradient(x: Tensor, y: Tensor, dy: Tensor, geometry: PoolGeometry): Tensor;
  averagePool(x: Tensor, geometry: PoolGeometry): Tensor;
  averagePoolGradient(inputShape: Shape, dy: Tensor, geometry: PoolGeometry): Tensor;
}
