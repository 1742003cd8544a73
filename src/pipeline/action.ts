/** `F` forward, `B` backward, or the backward pass in two halves: `I` input gradient, `W` weight gradient. */
export type ActionKind = 'F' | 'B' | 'I' | 'W';

/** One thing that a worker does: a stage's pass over one micro-batch. Its text form is `2F0`: stage 2, forward, micro-batch 0. */
export interface Action {
  readonly stage: number;
  readonly kind: ActionKind;
  readonly microBatch: number;
}

/** For every worker, the ordered list of what it does in one step. The one truth for validator, simulator, worker and trace. */
export interface Schedule {
  readonly name: string;
  readonly microBatches: number;
  /** The worker of every stage. */
  readonly placement: readonly number[];
  /** The actions of every worker, in order. */
  readonly workers: readonly (readonly Action[])[];
}
