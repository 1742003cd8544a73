import { z } from 'zod';
import { count, notNegative, positive } from './number.ts';

/** What of a run is kept on disk, so that it can be gone on with (`lamp train --resume`). */
export const checkpointsSchema = z.strictObject({
  every: count
    .default(100)
    .describe('Steps from one checkpoint to the next; 0: only when the run ends or is stopped. docs/checkpoints.md'),
  keep: positive.default(3).describe('How many of the last ones are kept, beside that of the best validation.'),
});

/** What is done when a process of the run is lost. */
export const recoverySchema = z.strictObject({
  snapshot_every: positive
    .default(20)
    .describe(
      'Steps from one snapshot to the next: a copy of parameters and optimizer state in the memory of each worker, and of one ' +
        'other. What comes after the last one is done again when a worker is lost.',
    ),
  max_restarts: count
    .default(10)
    .describe('How often a run goes on after a failure; the same failure three times at one place ends it before.'),
  backoff: notNegative
    .default(1)
    .describe('Seconds to wait before the second restart; twice as long before each after it, up to 60.'),
  replace: z
    .boolean()
    .default(true)
    .describe(
      'Whether another process takes the place of a lost worker. If not, or if there is none to be had, the run is planned again ' +
        'for the workers that are left.',
    ),
  wait: notNegative.default(30).describe('Seconds to wait for another host where a worker of one was lost.'),
  heartbeat: z
    .number()
    .min(2)
    .default(15)
    .describe('Seconds for which a process may be silent; it says every second that it lives.'),
  stall: z
    .number()
    .min(2)
    .default(60)
    .describe('Seconds for which all processes may wait for one another, as they do where a message was lost.'),
  hang: z
    .number()
    .min(2)
    .default(1800)
    .describe(
      "Seconds for which a process may be at one action, such as a stage's backward pass: longer, and it hangs. " +
        'TensorFlow may compile its kernels for minutes at first on a GPU that it was not built for.',
    ),
});
