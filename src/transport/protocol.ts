import { z } from 'zod';
import { paddingModes } from '../config/schema/inference.ts';
import { lossSchema } from '../config/schema/loss.ts';
import { modelSchema } from '../config/schema/model.ts';
import { networkLossSchema, networkSchema } from '../config/schema/network.ts';
import { optimizerSchema } from '../config/schema/optimizer.ts';
import { engineSchema, pipelineSchema, recomputeModes } from '../config/schema/pipeline.ts';

/*
 * The control plane's messages. The coordinator sends requests, each with an id; a peer answers every request with one reply
 * that carries the same id, and says on its own that it is there (`hello`), alive (`heartbeat`), what it is doing
 * (`doing`), or that it failed (`failed`). Both sides import this file; each checks what arrives.
 *
 *     coordinator                                          worker k
 *        │  ◀────────────────────────────────────── hello ──  │
 *        │ ── start (engine) ────────────────────▶  started   │
 *        │ ── profile (model, shape) ────────────▶  profiled  │   only where times are not known yet, as are the
 *        │ ── probe (peer, sizes) ───────────────▶  probed    │   next, after a bind and a connect of their own
 *        │ ── bind (who sends to you) ───────────▶  bound     │
 *        │ ── connect (where they listen) ───────▶  connected │
 *        │ ── configure (stages, optimizer, …) ──▶  configured│
 *        │ ── step (schedule) ───────────────────▶  stepped   │   again and again
 *        │ ── apply (rate) ──────────────────────▶  applied   │
 *        │ ── dump (file) ───────────────────────▶  dumped    │
 *        │ ── stop ──────────────────────────────▶  stopped   │
 */

const count = z.number().int().nonnegative();
/** What was computed may be NaN or infinite: then the run has diverged, and that is not for a schema to say. */
const computed = z.custom<number>((value) => typeof value === 'number', 'expected a number');
const id = count;
const shape = z.array(count).max(6);
/** Voxels along x, y, z. */
const place = z.tuple([z.number().int(), z.number().int(), z.number().int()]);

/** Cells [start, end) of the model. */
const stageSchema = z.strictObject({ start: count, end: count });

/** What a mini-batch is made of. */
const sourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('training'), epoch: count, samples: z.array(count) }),
  z.strictObject({ kind: z.literal('validation'), case: count }),
  /** An image of one file, or of one a channel, whole. */
  z.strictObject({ kind: z.literal('image'), files: z.array(z.string()).min(1) }),
  /** Boxes of an image; a start may be negative, and what lies outside of the image follows from the padding. */
  z.strictObject({
    kind: z.literal('windows'),
    files: z.array(z.string()).min(1),
    starts: z.array(place),
    box: place,
    padding: z.strictObject({ mode: z.enum(paddingModes), value: z.number() }),
  }),
  z.strictObject({ kind: z.literal('replay'), step: count }),
]);

export const requestSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('start'), id, engine: engineSchema }),
  /** Times every cell's passes on a micro-batch of this shape, `bytes` of activations being held at most; the loss; and the update. */
  z.strictObject({
    kind: z.literal('profile'),
    id,
    model: modelSchema,
    loss: lossSchema,
    optimizer: optimizerSchema,
    shape,
    repetitions: count,
    bytes: count,
  }),
  /**
   * Sends a tensor to another worker and waits for one from there, or the other way round, `rounds` times: together they time
   * the link between them. To be asked of both at once.
   */
  z.strictObject({
    kind: z.literal('probe'),
    id,
    peer: z.string(),
    first: z.boolean(),
    /** Values of 4 bytes. */
    sends: count,
    rounds: count,
  }),
  z.strictObject({ kind: z.literal('bind'), id, run: z.string(), from: z.array(z.string()), highWaterMark: count }),
  z.strictObject({
    kind: z.literal('connect'),
    id,
    run: z.string(),
    to: z.record(z.string(), z.string()),
    highWaterMark: count,
  }),
  z.strictObject({
    kind: z.literal('configure'),
    id,
    model: networkSchema,
    /** Every stage of the network, and which of them are this worker's. */
    stages: z.array(stageSchema),
    own: z.array(count),
    threaded: z.array(z.string()),
    recompute: z.enum(recomputeModes),
    batchNorm: pipelineSchema.shape.batch_norm.unwrap(),
    optimizer: optimizerSchema,
    loss: networkLossSchema,
    seed: count,
    /** A safetensors file with parameters by PyTorch's names under this prefix; without it they are drawn from the seed. */
    weights: z.strictObject({ file: z.string(), prefix: z.string() }).optional(),
    /** Whether a teacher follows the parameters (self-ensembling). */
    teacher: z.boolean().optional(),
    /** Whether the gradient of the network's input is wanted: it is dumped with the parameters'. */
    inputGradient: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal('step'),
    id,
    step: count,
    purpose: z.enum(['train', 'evaluate']),
    /** The whole schedule in text form: what to do, and from it what to send where. */
    schedule: z.string(),
    /** Samples of every micro-batch. */
    microBatches: z.array(count),
    /** What names the random draws of every sample of the mini-batch. */
    draws: z.array(z.string()),
    /** Whether to reply with Σ g² over the gradients. */
    norm: z.boolean(),
    /**
     * What the last stage sends to the coordinator: nothing, its logits, or the most likely class of every voxel; or it keeps the
     * logits for the student's pass.
     */
    output: z.enum(['none', 'logits', 'labels', 'kept']),
    /** Whether the teacher computes, and not the network that is trained. */
    teacher: z.boolean().optional(),
    /** Standard deviation of what the first stage adds to the images, by the names of the draws. */
    noise: z.number().nonnegative().optional(),
    /** How much the student is held to what the teacher made of the same mini-batch. */
    consistency: z.strictObject({ weight: z.number().nonnegative(), otherwise: z.number().nonnegative() }).optional(),
  }),
  /** Scales the gathered gradients, updates the parameters, and forgets the gradients; then the teacher follows, by a decay. */
  z.strictObject({
    kind: z.literal('apply'),
    id,
    /** The step whose gradients these are, or the last of several. */
    step: count,
    rate: z.number().nonnegative(),
    factor: z.number().nonnegative(),
    decay: z.number().min(0).max(1).optional(),
  }),
  /** Writes this worker's parameters, those of its teacher, or its gradients to a file. */
  z.strictObject({
    kind: z.literal('dump'),
    id,
    what: z.enum(['parameters', 'teacher', 'gradients']),
    file: z.string(),
  }),
  /** To the loader: sends images to the first stage and labels to the last, micro-batch by micro-batch. */
  z.strictObject({
    kind: z.literal('feed'),
    id,
    step: count,
    source: sourceSchema,
    /** What will be asked for next, in order: made meanwhile, and whatever else was made ahead is forgotten. */
    ahead: z.array(sourceSchema).optional(),
    microBatches: z.array(count),
    /** The worker of the first stage. */
    imagesTo: z.string(),
    /** The last stage and its worker, where the labels are wanted. */
    labelsTo: z.strictObject({ peer: z.string(), stage: count }).optional(),
  }),
  z.strictObject({ kind: z.literal('memory'), id }),
  /** Asks for the time, so that what workers record can be laid on one clock. */
  z.strictObject({ kind: z.literal('clock'), id }),
  z.strictObject({ kind: z.literal('stop'), id }),
]);

export const errorSchema = z.strictObject({ name: z.string(), message: z.string(), stack: z.string().optional() });

/** An action as it ran: milliseconds since the step's start on this worker. */
const spanSchema = z.strictObject({ action: z.string(), begin: z.number(), waited: z.number(), end: z.number() });

/** A tensor that left: from when it had been copied out until the link had taken it, on the same clock. */
const sentSchema = z.strictObject({ key: z.string(), bytes: count, begin: z.number(), end: z.number() });
/** A tensor that came: when it was taken up. */
const receivedSchema = z.strictObject({ key: z.string(), at: z.number() });

/** Milliseconds: the median of the repetitions and the quartiles. */
const spreadSchema = z.strictObject({ median: z.number(), lower: z.number(), upper: z.number() });

const repliesWithId = [
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
  z.strictObject({ kind: z.literal('bound'), id, endpoints: z.record(z.string(), z.string()) }),
  z.strictObject({ kind: z.literal('connected'), id }),
  z.strictObject({ kind: z.literal('configured'), id, parameters: count }),
  z.strictObject({
    kind: z.literal('stepped'),
    id,
    /** The sum of the micro-batches' contributions; only the worker of the last stage knows it. */
    loss: computed.optional(),
    /** Σ g² over this worker's gradients, where it was asked for. */
    squaredNorm: computed.optional(),
    /** When the step began, in milliseconds since 1970 by this worker's clock. */
    start: z.number(),
    spans: z.array(spanSchema),
    /** What went to other workers and came from them, by `messageKey`. */
    sent: z.array(sentSchema),
    received: z.array(receivedSchema),
    /** Live tensors and bytes of the engine after the step. */
    tensors: count,
    bytes: count,
    bytesSent: count,
    /** Most bytes of values that were alive at once in this step. */
    peakBytes: count,
    /** Most memory that the process ever held, in bytes. */
    peakResident: count,
  }),
  z.strictObject({ kind: z.literal('applied'), id }),
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

export const replySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('hello'), pid: count }),
  z.strictObject({ kind: z.literal('heartbeat') }),
  z.strictObject({ kind: z.literal('doing'), step: count, action: z.string() }),
  z.strictObject({
    kind: z.literal('failed'),
    /** What it was doing: `2F0` in a step, or the request. */
    during: z.string(),
    step: count.optional(),
    error: errorSchema,
  }),
  ...repliesWithId,
]);

export type Request = z.infer<typeof requestSchema>;
export type Reply = z.infer<typeof replySchema>;
export type Span = z.infer<typeof spanSchema>;
export type SentTensor = z.infer<typeof sentSchema>;
export type ReceivedTensor = z.infer<typeof receivedSchema>;
export type Source = Extract<Request, { kind: 'feed' }>['source'];

/** The reply that answers each request. */
export interface ReplyKinds {
  start: 'started';
  profile: 'profiled';
  probe: 'probed';
  bind: 'bound';
  connect: 'connected';
  configure: 'configured';
  step: 'stepped';
  apply: 'applied';
  dump: 'dumped';
  feed: 'fed';
  memory: 'remembered';
  clock: 'told';
  stop: 'stopped';
}

export type RequestOf<K extends Request['kind']> = Extract<Request, { kind: K }>;
export type ReplyTo<K extends Request['kind']> = Extract<Reply, { kind: ReplyKinds[K] }>;
