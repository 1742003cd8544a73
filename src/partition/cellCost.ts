/** What a cell takes for one micro-batch, in milliseconds. */
export interface CellTimes {
  readonly forward: number;
  /** The whole backward pass; its two halves, one after the other, take about as long. */
  readonly backward: number;
  readonly backwardInput: number;
  readonly backwardWeights: number;
}

/** One layer's part in the memory of a cell. */
export interface LayerFootprint {
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** What of these it keeps for the backward pass, as handles on values that others may keep as well. */
  readonly keepsInput: boolean;
  readonly keepsOutput: boolean;
  /** What it keeps beyond that, and nobody else. */
  readonly ownBytes: number;
  /** Whether the output is the input itself, under another handle. */
  readonly passesThrough: boolean;
  /** Whether its weight gradients can wait: then what it keeps, and its output gradient, are held until then. */
  readonly weightsLater: boolean;
}

/** What a cell takes for one micro-batch, in bytes, counted exactly. */
export interface CellFootprint {
  readonly name: string;
  /** Of the trainable parameters and the buffers. */
  readonly parameterBytes: number;
  /** Of the trainable parameters' gradients, gathered over the mini-batch. */
  readonly gradientBytes: number;
  readonly optimizerBytes: number;
  /** What this cell alone would keep for its backward pass. Neighbours share tensors: over a stage it is less than the sum. */
  readonly activationBytes: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** Of what it leaves under a skip's name: the output again, or 0. */
  readonly stashBytes: number;
  readonly stash?: string;
  readonly pop?: string;
  readonly layers: readonly LayerFootprint[];
}

/** All that is known of a cell's cost. */
export interface PlannedCell extends CellFootprint, CellTimes {}

/** All that is known of a model's cost for one micro-batch. */
export interface ModelCost {
  readonly cells: readonly PlannedCell[];
  /** What the loss and its gradient take behind the last cell, in milliseconds. */
  readonly loss: number;
  /** The optimizer's time for one parameter, in milliseconds. */
  readonly updatePerParameter: number;
}
