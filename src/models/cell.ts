import type { Layer } from '../layers/layer.ts';

/**
 * The smallest unit that the partitioner moves: about one operation with parameters, and what follows it.
 *
 *     input ──(⊕ skip `pop`, along the channels)── layers[0] ── … ── layers[n] ──┬── output
 *                                                                                └── skip `stash`
 */
export interface Cell {
  /** The prefix of its parameters' names, as in PyTorch's state_dict: `encoder.1.Down.conv.0.conv`. */
  readonly name: string;
  readonly layers: readonly Layer[];
  /** The skip that is concatenated behind the input's channels. */
  readonly pop?: string;
  /** The skip that the output is also left under, for one later cell. */
  readonly stash?: string;
}

/** A network as a list of cells: any consecutive cut is a partition. */
export interface Model {
  readonly name: string;
  readonly spatialDims: 2 | 3;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly cells: readonly Cell[];
  /** Every spatial size of the input must be a multiple of this. */
  readonly divisor: number;
}
