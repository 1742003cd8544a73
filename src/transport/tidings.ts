import { z } from 'zod';
import { dismissalSchema } from './protocol.ts';

/*
 * What a worker process tells the one that started it, over the channel between them: the coordinator, on another machine, is
 * nobody's parent here.
 */
const tidingsSchema = z.discriminatedUnion('kind', [
  /** The coordinator has taken it in; where that does not answer for so long, it is gone. */
  z.strictObject({ kind: z.literal('joined'), deadMilliseconds: z.number().positive() }),
  z.strictObject({ kind: z.literal('seated'), role: z.string() }),
  /** The coordinator has sent it away, or cannot be believed. */
  z.strictObject({ kind: z.literal('dismissed'), dismissal: dismissalSchema }),
  /** No connection yet, for this reason. */
  z.strictObject({ kind: z.literal('disconnected'), problem: z.string() }),
]);

export type Tidings = z.infer<typeof tidingsSchema>;

export const parseTidings = (message: unknown): Tidings => tidingsSchema.parse(message);

/** Resolves when the parent has it, or is gone. */
export const tellParent = (tidings: Tidings): Promise<void> =>
  new Promise((resolve) => {
    if (!process.connected || !process.send) return resolve();
    process.send(tidings, () => resolve());
  });
