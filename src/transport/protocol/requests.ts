import { z } from 'zod';
import { count, id } from './fields.ts';
import { paddingModes } from '../../config/schema/inference.ts';
import { lossSchema } from '../../config/schema/loss.ts';
import { modelSchema } from '../../config/schema/model.ts';
import { networkLossSchema, networkSchema } from '../../config/schema/network.ts';
import { optimizerSchema } from '../../config/schema/optimizer.ts';
import { engineSchema, pipelineSchema, recomputeModes } from '../../config/schema/pipeline.ts';

/*
 * The control plane's messages. The coordinator sends requests, each with an id; a peer answers every request with one reply
 * that carries the same id, and says on its own that it is there (`hello`), alive (`heartbeat`), what it is doing
 * (`doing`), or that it failed (`failed`). Both sides import these schemas; each checks what arrives.
 *
 *     coordinator                                          worker k
 *        │  ◀────────────────────────────────────── hello ──  │
 *        │ ── welcome ───────────────────────────▶  joined    │   to a process of another host
 *        │ ── start (engine) ────────────────────▶  started   │
 *        │ ── profile (model, shape) ────────────▶  profiled  │   only where times are not known yet, as are the
 *        │ ── probe (peer, sizes) ───────────────▶  probed    │   next, after a bind and a connect of their own
 *        │ ── bind (who sends to you) ───────────▶  bound     │
 *        │ ── connect (where they listen) ───────▶  connected │
 *        │ ── configure (stages, optimizer, …) ──▶  configured│
 *        │ ── step (schedule) ───────────────────▶  stepped   │   again and again
 *        │ ── apply (rate) ──────────────────────▶  applied   │   or, where a step came to nothing, discard
 *        │ ── snapshot ──────────────────────────▶  snapped   │   a copy of its state, which it then hands to another
 *        │ ── hand, take, store (step) ──────────▶  handed, … │   worker, or writes to a file, while steps go on
 *        │ ── dump (file) ───────────────────────▶  dumped    │
 *        │ ── abandon ───────────────────────────▶  abandoned │   where another process was lost: what it was doing is dropped
 *        │ ── stop ──────────────────────────────▶  stopped   │
 */

const shape = z.array(count).max(6);
/** Voxels along x, y, z. */
const place = z.tuple([z.number().int(), z.number().int(), z.number().int()]);

const publicKey = z.string().length(40);

/** Where a process listens, and with CURVE its public key. */
export const endpointSchema = z.strictObject({ endpoint: z.string(), key: publicKey.nullable() });

/** Where a worker's parameters begin: drawn from the seed, or read from what was kept, with how many updates were made by then. */
const beginningSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('seed') }),
  /** A safetensors file with parameters by PyTorch's names under this prefix. */
  z.strictObject({ kind: z.literal('weights'), file: z.string(), prefix: z.string() }),
  z.strictObject({ kind: z.literal('checkpoint'), folder: z.string(), updates: count }),
  /** All of it lies in this worker's memory by now. */
  z.strictObject({ kind: z.literal('snapshot'), step: count, updates: count }),
]);

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

/** To whom a share of a mini-batch goes. */
const receiverSchema = z.strictObject({
  /** Samples of each of its micro-batches. */
  microBatches: z.array(count),
  /** The worker of the first stage. */
  imagesTo: z.string(),
  /** The last stage and its worker, where the labels are wanted. */
  labelsTo: z.strictObject({ peer: z.string(), stage: count }).optional(),
});

/**
 * Why a process is sent away: no such process is of use here (`refused`), one in its place may be (`replaced`), or the run has
 * ended, by a failure or because somebody stopped it (`interrupted`).
 */
export const dismissalSchema = z.strictObject({
  kind: z.enum(['refused', 'replaced', 'failed', 'interrupted']),
  problem: z.string(),
});

/** Which of several pipelines that share every mini-batch. */
const replicaSchema = z.strictObject({
  index: count,
  of: z.number().int().positive(),
  /** Of each: worker k of replica r is worker r · workers + k of the run. */
  workers: z.number().int().positive(),
});

export const requestSchema = z.discriminatedUnion('kind', [
  /** To a process that came by itself: it is taken in. After so long without an answer to its heartbeats it is to end. */
  z.strictObject({ kind: z.literal('welcome'), id, deadMilliseconds: z.number().positive() }),
  /** Whether it sees a file of the run's folder with these words in it, and can write one beside it. */
  z.strictObject({ kind: z.literal('look'), id, folder: z.string(), file: z.string(), words: z.string() }),
  z.strictObject({
    kind: z.literal('start'),
    id,
    engine: engineSchema,
    /** Where it writes its log, if it has not been told. */
    log: z.strictObject({ directory: z.string(), level: z.string() }).optional(),
  }),
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
  z.strictObject({
    kind: z.literal('bind'),
    id,
    run: z.string(),
    /** What this process is called from now on: `worker 1`. */
    own: z.string(),
    /** Who will send to it; with CURVE, by which public key each is known. */
    from: z.record(z.string(), publicKey.nullable()),
    /** To whom it sends without knowing where they are: they will connect to it. */
    called: z.record(z.string(), publicKey.nullable()),
    highWaterMark: count,
  }),
  z.strictObject({
    kind: z.literal('connect'),
    id,
    run: z.string(),
    to: z.record(z.string(), endpointSchema),
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
    begin: beginningSchema,
    /** Where there are several; stages and schedules are told of each by itself. */
    replica: replicaSchema.optional(),
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
    /** What names the random draws of every sample of them. */
    draws: z.array(z.string()),
    /** Where replicas share the mini-batch. */
    shared: z
      .strictObject({
        /** Of the whole mini-batch. */
        samples: count,
        /** How many micro-batches each replica has. */
        microBatches: z.array(count),
        /** Whether the gradients gathered so far are summed over the replicas: an update follows. */
        reduce: z.boolean(),
      })
      .optional(),
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
    /** Whether to look for the first value that is NaN or infinite, and to reply with where it came up. */
    check: z.boolean().optional(),
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
  /** Forgets the gradients, and puts the running statistics back to what they were after the last update. */
  z.strictObject({ kind: z.literal('discard'), id }),
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
    /** The replicas, each of which gets its share, one behind the other. */
    to: z.array(receiverSchema).min(1),
  }),
  /** Copies the worker's state, as it is after so many steps, and forgets all copies but that of the step to keep. */
  z.strictObject({ kind: z.literal('snapshot'), id, step: count, keep: count.optional() }),
  /** Sends these of the tensors that it holds of a snapshot to another worker; and takes them there. To be asked of both at once. */
  z.strictObject({ kind: z.literal('hand'), id, step: count, to: z.string(), keys: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('take'), id, step: count, from: z.string(), keys: z.array(z.string()) }),
  /** Writes its own part of a snapshot to a file. */
  z.strictObject({ kind: z.literal('store'), id, step: count, file: z.string() }),
  /** Drops the step that it is taking, its gradients and its links: another process of the run was lost. */
  z.strictObject({ kind: z.literal('abandon'), id }),
  z.strictObject({ kind: z.literal('memory'), id }),
  /** Asks for the time, so that what workers record can be laid on one clock. */
  z.strictObject({ kind: z.literal('clock'), id }),
  /** Ends the process; to one of another host it is said why, unless the run has ended well. */
  z.strictObject({ kind: z.literal('stop'), id, dismissal: dismissalSchema.optional() }),
]);
