import { z } from 'zod';
import { computed, count, id } from './fields.ts';

export const errorSchema = z.strictObject({ name: z.string(), message: z.string(), stack: z.string().optional() });

/** An action as it ran: milliseconds since the step's start on this worker. */
const spanSchema = z.strictObject({ action: z.string(), begin: z.number(), waited: z.number(), end: z.number() });

/** A tensor that left: from when it had been copied out until the link had taken it, on the same clock. */
const sentSchema = z.strictObject({ key: z.string(), bytes: count, begin: z.number(), end: z.number() });
/** A tensor that came: when it was taken up. */
const receivedSchema = z.strictObject({ key: z.string(), at: z.number() });

/** A bucket that went round the replicas: from when it was there until it was complete, and the bytes that this worker sent of it. */
const reducedSchema = z.strictObject({ bucket: z.string(), bytes: count, begin: z.number(), end: z.number() });

/** Milliseconds: the median of the repetitions and the quartiles. */
const spreadSchema = z.strictObject({ median: z.number(), lower: z.number(), upper: z.number() });

/** Where in a step a value came up that is NaN or infinite. */
const foundSchema = z.strictObject({
  /** `parameter`: before the step; `input`: the image; then what a pass made, `weights` being gradients of parameters. */
  pass: z.enum(['parameter', 'input', 'forward', 'loss', 'backward', 'weights']),
  stage: count,
  /** The cell's place in the stage, and its name. */
  index: count,
  cell: z.string(),
  /** Absent for parameters. */
  microBatch: count.optional(),
  /** The parameter's name, or what it is. */
  tensor: z.string(),
  /** The first that is not finite: NaN, or infinite. */
  value: computed,
});

const repliesWithId = [
  z.strictObject({ kind: z.literal('joined'), id }),
  /** The file that it wrote, or what went wrong. */
  z.strictObject({ kind: z.literal('looked'), id, wrote: z.string().optional(), problem: z.string().optional() }),
  z.strictObject({
    kind: z.literal('started'),
    id,
    engine: z.enum(['tensorflow', 'cpu']),
    /** What computes: a GPU's or a processor's name. */
    device: z.string(),
  }),
  z.strictObject({
    kind: z.literal('profiled'),
    id,
    /** Of one micro-batch, an entry for each cell. */
    cells: z.array(
      z.strictObject({
        forward: spreadSchema,
        backward: spreadSchema,
        backwardInput: spreadSchema,
        backwardWeights: spreadSchema,
      }),
    ),
    loss: spreadSchema,
    /** The optimizer's, for a million parameters. */
    update: spreadSchema,
  }),
  z.strictObject({
    kind: z.literal('probed'),
    id,
    /** Of every round, there and back. */
    milliseconds: z.array(z.number()),
    /** For how long its thread was busy with copies in all, and what all threads of this process computed meanwhile. */
    occupied: z.number(),
    processor: z.number(),
  }),
  /** Where it listens for each of `from`, and for each of `called`. */
  z.strictObject({
    kind: z.literal('bound'),
    id,
    endpoints: z.record(z.string(), z.string()),
    calls: z.record(z.string(), z.string()),
  }),
  z.strictObject({ kind: z.literal('connected'), id }),
  z.strictObject({ kind: z.literal('configured'), id, parameters: count }),
  z.strictObject({
    kind: z.literal('stepped'),
    id,
    /** The sum of the micro-batches' contributions; only the worker of the last stage knows it. */
    loss: computed.optional(),
    /** Σ g² over this worker's gradients, where it was asked for. */
    squaredNorm: computed.optional(),
    /** The first value that is not finite, where it was looked for and there is one. */
    found: foundSchema.optional(),
    /** When the step began, in milliseconds since 1970 by this worker's clock. */
    start: z.number(),
    spans: z.array(spanSchema),
    /** What went to other workers and came from them, by `messageKey`. */
    sent: z.array(sentSchema),
    received: z.array(receivedSchema),
    /** What was summed or gathered over the replicas, on the same clock; what came before the last action's end cost nobody's time. */
    reduced: z.array(reducedSchema).optional(),
    /** Live tensors and bytes of the engine after the step. */
    tensors: count,
    bytes: count,
    bytesSent: count,
    /** Most bytes of values that were alive at once in this step. */
    peakBytes: count,
    /** What the process's sockets have refused since its start, by reason. */
    refused: z.record(z.string().max(20), count).optional(),
    /** Most memory that the process ever held, in bytes. */
    peakResident: count,
  }),
  z.strictObject({ kind: z.literal('applied'), id }),
  z.strictObject({ kind: z.literal('discarded'), id }),
  /** By which keys it holds its state. */
  z.strictObject({ kind: z.literal('snapped'), id, keys: z.array(z.string()), bytes: count }),
  z.strictObject({ kind: z.literal('handed'), id }),
  z.strictObject({ kind: z.literal('taken'), id }),
  /** A disk that is full stops no step: that is an answer, and no failure. */
  z.strictObject({
    kind: z.literal('stored'),
    id,
    outcome: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('written'), bytes: count, sha256: z.string() }),
      z.strictObject({ kind: z.literal('refused'), problem: z.string() }),
    ]),
  }),
  z.strictObject({ kind: z.literal('abandoned'), id }),
  z.strictObject({ kind: z.literal('dumped'), id }),
  z.strictObject({
    kind: z.literal('fed'),
    id,
    /** How long the mini-batch took to make; it may have been made ahead. */
    seconds: z.number(),
    /** Training cases that were found to be of no use since the last reply. */
    skipped: z.array(z.strictObject({ file: z.string(), problem: z.string() })).optional(),
  }),
  z.strictObject({ kind: z.literal('remembered'), id, tensors: count, bytes: count, peakResident: count }),
  /** Milliseconds since 1970. */
  z.strictObject({ kind: z.literal('told'), id, now: z.number() }),
  z.strictObject({ kind: z.literal('stopped'), id }),
] as const;

/** What a worker of another host computes on. */
export const hostSchema = z.strictObject({
  name: z.string().max(255),
  /** What started it, and how many processes that starts: one for each GPU. */
  agent: z.string(),
  processes: z.number().int().positive(),
  /** The GPU's index there; none: a processor. */
  gpu: z.string().nullable(),
  threads: z.number().int().positive(),
  /** Whether somebody said so on that host (`--threads`): then that holds, and not what the run file says. */
  threadsGiven: z.boolean().optional(),
  /** Bytes that its tensors may take. */
  memory: z.number().positive(),
  version: z.string(),
  /** The id that the process before it had, which it takes the place of. */
  replaces: z.string().optional(),
});

export const replySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('hello'),
    pid: count,
    /** The public key of its data links, where they have any. */
    key: z.string().length(40).nullable(),
    /** Of a process that came by itself. */
    host: hostSchema.optional(),
  }),
  /** `progress` counts what it did; where it does not move and nobody computes, all wait for one another. */
  z.strictObject({
    kind: z.literal('heartbeat'),
    doing: z.enum(['idle', 'computing', 'waiting']).optional(),
    progress: z.number().int().optional(),
  }),
  z.strictObject({ kind: z.literal('doing'), step: count, action: z.string() }),
  z.strictObject({
    kind: z.literal('failed'),
    /** What it was doing: `2F0` in a step, or the request. */
    during: z.string(),
    step: count.optional(),
    error: errorSchema,
  }),
  /** It goes without having failed at anything; `again`: another is started in its place. Said by whoever started it, too. */
  z.strictObject({ kind: z.literal('leaving'), problem: z.string(), again: z.boolean() }),
  ...repliesWithId,
]);
