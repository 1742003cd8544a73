import type { Join } from '../layers/joining.ts';
import type { Layer } from '../layers/layer.ts';

/**
 * The smallest unit that the partitioner moves: about one operation with parameters, and what follows it.
 *
 *     input ──(⊕)── layers[0] ── … ── layers[n] ──┬── output
 *              │                                  └── skip `stash`
 *     skip `pop` ── popThrough[0] ── …
 */
export interface Cell {
  /** The prefix of its parameters' names, as in PyTorch's state_dict: `encoder.1.Down.conv.0.conv`. */
  readonly name: string;
  readonly layers: readonly Layer[];
  /** The skip that is joined to the input. */
  readonly pop?: string;
  /** What that skip goes through first; nothing unless given. Its input is of the size that was stashed: a portal carries that. */
  readonly popThrough?: readonly Layer[];
  /** Behind the input's channels, before them (`prepend`), or added to the input; `concatenate` unless given. */
  readonly join?: Join;
  /** The skip that the output is also left under, for one later cell. */
  readonly stash?: string;
  /** In evaluation mode the cell gives its input on and drops the skip that it pops, as a head of deep supervision does. */
  readonly trainingOnly?: true;
}

/** Every layer of a cell, in the order of a forward pass. */
export const layersOf = ({ popThrough = [], layers }: Pick<Cell, 'popThrough' | 'layers'>): readonly Layer[] =>
  popThrough.length === 0 ? layers : [...popThrough, ...layers];

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
