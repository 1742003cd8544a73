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

/** A word that is not an action. */
export class ActionTextError extends Error {
  override readonly name = 'ActionTextError';
  readonly token: string;

  constructor(token: string) {
    super(
      `"${token}" is not an action; an action is a stage, one of F B I W, and a micro-batch, as in 2F0: ` +
        'stage 2, forward, micro-batch 0',
    );
    this.token = token;
  }
}

const pattern = /^(0|[1-9]\d*)([FBIW])(0|[1-9]\d*)$/;

/** `2F0` of stage 2, forward, micro-batch 0. */
export const formatAction = (action: Action): string => `${action.stage}${action.kind}${action.microBatch}`;

/** The action that `2F0` stands for; throws an ActionTextError for anything else. */
export const parseAction = (token: string): Action => {
  const [, stage, kind, microBatch] = pattern.exec(token) ?? [];
  if (!kind) throw new ActionTextError(token);
  return { stage: Number(stage), kind: kind as ActionKind, microBatch: Number(microBatch) };
};
