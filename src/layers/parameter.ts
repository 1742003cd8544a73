import type { Shape, Tensor } from '../engine/tensor.ts';
import type { Variable } from '../engine/engine.ts';

/**
 * How a parameter lies in PyTorch's files and in ours:
 * `convolution` (out, in, …kernel) ↔ (…kernel, in, out); `transposed` (in, out, …kernel) ↔ (…kernel, out, in);
 * `vector` (channels) in both. A linear layer is `matrix` (out, in) ↔ (in, out).
 */
export type ParameterLayout = 'convolution' | 'transposed' | 'matrix' | 'vector';

/** How a parameter starts. `he`: normal with variance 2 / fan-in (He et al. 2015). */
export type Initializer =
  | { kind: 'he'; fanIn: number }
  | { kind: 'constant'; value: number }
  | { kind: 'uniform'; bound: number };

/** A parameter or buffer of a layer, by the name that PyTorch's state_dict has for it. No values: those live in a ParameterStore. */
export interface ParameterSpec {
  readonly name: string;
  /** In our layout, channels last. */
  readonly shape: Shape;
  readonly layout: ParameterLayout;
  readonly initializer: Initializer;
  /** Buffers (running statistics) are saved with the parameters but have no gradient. */
  readonly role: 'parameter' | 'buffer';
}

/** A parameter in the engine's memory, and the gradient gathered for it so far in this mini-batch. */
export interface Parameter {
  readonly spec: ParameterSpec;
  readonly value: Variable;
  gradient: Tensor | undefined;
}
