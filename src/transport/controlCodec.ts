import type { z } from 'zod';
import { ControlMessageError } from './errors.ts';
import { MsgpackError, pack, unpack } from './msgpack.ts';

/** What stands in the place of a control message that did not parse. */
export interface Malformed {
  readonly kind: 'malformed';
  readonly reason: string;
}

/** The messages of a control socket, each way. Both are told apart by `kind`. */
export interface ControlSchemas<Incoming, Outgoing> {
  readonly incoming: z.ZodType<Incoming>;
  readonly outgoing: z.ZodType<Outgoing>;
}

/** Bytes of one control message: tensors have links of their own, and a stranger may have us hold as much in his handshake. */
export const MAX_CONTROL_BYTES = 16 * 2 ** 20;
/** Messages that may wait for one peer before it counts as stalled. */
export const CONTROL_HIGH_WATER_MARK = 1000;

/** The frame of a message; throws a ControlMessageError for one that the peer would refuse. */
export const encodeControl = <M>(message: M, schema: z.ZodType<M>, peer: string): Uint8Array => {
  const parsed = schema.safeParse(message);
  if (!parsed.success) throw new ControlMessageError(peer, describe(parsed.error));
  try {
    const frame = pack(message);
    if (frame.byteLength <= MAX_CONTROL_BYTES) return frame;
    throw new ControlMessageError(peer, `${frame.byteLength} bytes, at most ${MAX_CONTROL_BYTES}`);
  } catch (error) {
    if (error instanceof MsgpackError) throw new ControlMessageError(peer, error.message);
    throw error;
  }
};

/** The message in what came from outside, or what is wrong with it. */
export const decodeControl = <M>(frames: readonly Uint8Array[], schema: z.ZodType<M>): M | Malformed => {
  const [frame] = frames;
  if (!frame || frames.length !== 1) return malformed(`${frames.length} frames instead of 1`);
  try {
    const parsed = schema.safeParse(unpack(frame));
    return parsed.success ? parsed.data : malformed(describe(parsed.error));
  } catch (error) {
    if (error instanceof MsgpackError) return malformed(error.message);
    throw error;
  }
};

export const isMalformed = (message: unknown): message is Malformed =>
  (message as { readonly kind?: unknown }).kind === 'malformed';

const malformed = (reason: string): Malformed => ({ kind: 'malformed', reason });

/** The first few issues, each with the place that it is at. */
const describe = (error: z.ZodError): string =>
  error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.map(String).join('.') || 'message'}: ${issue.message}`)
    .join('; ');
