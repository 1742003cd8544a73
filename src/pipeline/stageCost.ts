import type { Message } from './messages.ts';
import { linkKey } from './messages.ts';

/**
 * What one stage costs for one micro-batch: milliseconds on a worker of speed 1, and bytes. Plain numbers, so that schedules
 * can be judged without a model: whoever knows the cells adds them up (partition/stageCost.ts).
 */
export interface StageCost {
  readonly forward: number;
  /** The whole backward pass, without any recomputation. */
  readonly backward: number;
  /** Its two halves. */
  readonly backwardInput: number;
  readonly backwardWeights: number;
  /** The optimizer's update, once a step. */
  readonly update: number;
  readonly parameterBytes: number;
  readonly gradientBytes: number;
  readonly optimizerBytes: number;
  /** Held from the forward pass to the backward pass where nothing is recomputed: distinct tensors. */
  readonly activationBytes: number;
  /** Held instead under recomputation: the stage's input and the skips that it pops. */
  readonly inputBytes: number;
  /** Held from I to W: what the weight gradients still read. */
  readonly weightBytes: number;
  readonly transientBytes: TransientBytes;
  /** Whether the input is among `activationBytes`. */
  readonly holdsInput: boolean;
  /** Whether the output is among what is held: then handing it over on the same worker costs no memory. */
  readonly holdsOutput: boolean;
  /** The skips stashed here of which the same is true. */
  readonly heldSkips: readonly string[];
}

/**
 * Most bytes alive during a pass, beyond what is held: a forward pass counts its own activations (or inputs) as held from its
 * beginning, B and I all activations (recomputed ones too), W what was held for it.
 */
export interface TransientBytes {
  readonly forward: number;
  /** The first forward pass under recomputation, or one in evaluation. */
  readonly forwardDropping: number;
  /** The second forward pass under recomputation, which counts all activations as held: at the last stage it spares the loss. */
  readonly forwardAgain: number;
  readonly backward: number;
  readonly backwardInput: number;
  readonly backwardWeights: number;
}

/** Bytes of what passes from stage to stage, for one micro-batch. A gradient is as large as what it is the gradient of. */
export interface MessageBytes {
  /** Of the output of every stage. */
  readonly outputs: readonly number[];
  readonly skips: Readonly<Record<string, number>>;
}

/** The bytes of one message; 0 for a skip or stage that nothing is said about. */
export const bytesOfMessage = ({ outputs, skips }: MessageBytes, message: Message): number => {
  const { kind, skip, fromStage, toStage } = message;
  if (skip !== undefined) return skips[skip] ?? 0;
  return outputs[kind === 'activation' ? fromStage : toStage] ?? 0;
};

/** What the simulator knows of a worker. */
export interface MachineWorker {
  /** Against the device that the costs hold for: an action takes cost / speed. */
  readonly speed: number;
  /** Bytes that it may hold; Infinity where there is no limit. */
  readonly memory: number;
  /** Bytes a millisecond at which a message is copied out of the engine, or into it, on the worker's own time; Infinity: free. */
  readonly copyBytesPerMs: number;
}

/** From one worker to another: a message of n bytes takes latency + n / bytesPerMs, and occupies the link for n / bytesPerMs. */
export interface MachineLink {
  /** Milliseconds. */
  readonly latency: number;
  readonly bytesPerMs: number;
}

/** What a pipeline runs on. */
export interface Machine {
  readonly workers: readonly MachineWorker[];
  /** Between any two workers that `links` does not name. */
  readonly link: MachineLink;
  /** By ordered pair, as `linkKey` writes it: `0>3`. */
  readonly links: Readonly<Record<string, MachineLink>>;
}

/** A link that takes no time. */
export const freeLink: MachineLink = { latency: 0, bytesPerMs: Infinity };

/** A worker of speed 1 without limits. */
export const plainWorker: MachineWorker = { speed: 1, memory: Infinity, copyBytesPerMs: Infinity };

/** So many equal workers. */
export const uniformMachine = (
  workers: number,
  { worker = {}, link = freeLink }: { worker?: Partial<MachineWorker>; link?: MachineLink } = {},
): Machine => ({
  workers: Array.from({ length: workers }, () => ({ ...plainWorker, ...worker })),
  link,
  links: {},
});

/** The link from one worker to another. */
export const linkBetween = ({ link, links }: Machine, fromWorker: number, toWorker: number): MachineLink =>
  links[linkKey({ fromWorker, toWorker })] ?? link;

/** Milliseconds from the first byte sent to the last one received, on a link that is free. */
export const transferTime = ({ latency, bytesPerMs }: MachineLink, bytes: number): number =>
  latency + bytes / bytesPerMs;
