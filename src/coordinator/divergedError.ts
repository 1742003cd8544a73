/** The loss, or the gradients' norm, is no longer a number: every later step would make it worse. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';

  constructor(step: number, found: { what: 'loss' | 'norm of the gradients'; value: number }, rate: number) {
    super(
      `the ${found.what} of step ${step} is ${found.value}, at a learning rate of ${rate}: training has diverged. ` +
        'Lower optimizer.lr, warm up (lr_schedule.warmup_steps), or clip the gradients (training.clip_norm)',
    );
  }
}
