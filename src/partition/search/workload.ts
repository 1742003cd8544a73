/*
 * What the search for a partition and a placement knows of a model and of a machine: numbers alone. Times in milliseconds of
 * one micro-batch on a worker of speed 1, sizes in bytes.
 */

/** What a stage needs of its worker's memory. */
export interface StageMemory {
  /** There from the first step to the last: parameters, gradients, the optimizer's state. */
  readonly fixed: number;
  /** Of every micro-batch that is alive: its activations, or under recomputation the stage's input and skips. */
  readonly held: number;
  /** Beyond that during a pass: temporaries, and under recomputation the activations of one micro-batch. */
  readonly working: number;
}

/** A tensor that cell `stash` leaves for the later cell `pop`, and whose gradient comes back. */
export interface SkipLoad {
  readonly name: string;
  readonly stash: number;
  readonly pop: number;
  readonly bytes: number;
}

export interface Workload {
  /** Of every cell: forward, backward, and what is computed again. */
  readonly times: readonly number[];
  /** Bytes of every cell's output. */
  readonly outputs: readonly number[];
  readonly skips: readonly SkipLoad[];
  /** Of the stage of cells `start` … `end` − 1. */
  readonly memory: (start: number, end: number) => StageMemory;
}

export interface Cluster {
  readonly workers: readonly { readonly speed: number; readonly memory: number }[];
  /**
   * How long a worker is busy with a tensor that it exchanges with another: forward one way, its gradient the other. Affine
   * and not falling in the bytes. Both ends are busy, each for its own time.
   */
  readonly exchange: (here: number, there: number, bytes: number) => number;
}
