import type { Variable } from '../engine/engine.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Parameter, ParameterSpec } from '../layers/parameter.ts';

/** One array that the optimizer keeps for one parameter: it has the parameter's shape and layout. */
export interface OptimizerSlot {
  /** As PyTorch calls it: `momentum_buffer`, `square_avg`, `exp_avg`, `exp_avg_sq`. */
  readonly slot: string;
  readonly parameter: ParameterSpec;
  readonly variable: Variable;
}

/** All that a checkpoint needs beside the parameters, by parameter name and so free of the partition. */
export interface OptimizerState {
  /** How many steps were taken. */
  readonly steps: number;
  readonly slots: readonly OptimizerSlot[];
}

/**
 * Updates parameters from their gradients, in place, with PyTorch's semantics. A parameter without a gradient is left alone.
 */
export interface Optimizer {
  /**
   * One step at the learning rate `rate`, called once a mini-batch with every parameter of this worker. Each gradient goes as
   * soon as it was used: what the updates need on the way then fits where the first gradients were.
   */
  step(parameters: readonly Parameter[], rate: number): void;
  state(): OptimizerState;
  /** The slots that the parameter will have or has: what a checkpoint must hold for it. */
  slotNames(): readonly string[];
  /** Goes on from a checkpoint: `values(slot, parameter)` gives a tensor in our layout, which is disposed here. */
  restore(parameters: readonly Parameter[], steps: number, values: (slot: string, name: string) => Tensor): void;
  dispose(): void;
}
