import type { FoundPlace } from './stepRequest.ts';

/** What is not a number any more, or infinite. */
export interface NotFinite {
  readonly what: 'loss' | 'norm of the gradients';
  readonly value: number;
}

export interface DivergedFacts extends NotFinite {
  readonly step: number;
  readonly rate: number;
  /** Where it first came up; undefined where a second look found all of it finite. */
  readonly place: FoundPlace | undefined;
  /** Mini-batches that were left out just before. */
  readonly leftOut: number;
}

/** The loss, or the gradients' norm, is no longer a number: every later step would make it worse. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';
  readonly step: number;
  readonly place: FoundPlace | undefined;

  constructor({ step, what, value, rate, place, leftOut }: DivergedFacts) {
    const first = place ? ` (first ${describePlace(place)})` : '';
    const row =
      leftOut > 0 ? `, after ${leftOut} mini-batches in a row were left out (training.not_finite.at_most)` : '';
    super(
      `the ${what} of step ${step} is ${value}${first}, at a learning rate of ${rate}${row}: training has diverged. ` +
        'Lower optimizer.lr, warm up (lr_schedule.warmup_steps), or clip the gradients (training.clip_norm); or leave such ' +
        'mini-batches out (training.not_finite.action)',
    );
    this.step = step;
    this.place = place;
  }
}

const passes: Readonly<Record<FoundPlace['pass'], string>> = {
  parameter: 'a parameter of',
  input: 'the image before',
  forward: 'the output of',
  loss: 'the loss behind',
  backward: 'the gradient going back through',
  weights: 'the gradient of a parameter of',
};

/** `NaN in the output of decoder.1.Up.conv (stage 1, micro-batch 0)` */
export function describePlace({ pass, cell, stage, microBatch, tensor, value, teacher }: FoundPlace): string {
  const named = pass === 'parameter' || pass === 'weights' ? `, ${tensor}` : '';
  const part = microBatch === undefined ? '' : `, micro-batch ${microBatch}`;
  return `${value} in ${passes[pass]} ${cell}${teacher ? ' of the teacher' : ''}${named} (stage ${stage}${part})`;
}
