/*
 * What happened when, in one step: the form that a simulated run and a real one share.
 */

/** An action as it ran, in milliseconds since the step began. */
export interface TimelineSpan {
  /** `2F0`. */
  readonly action: string;
  /** When the worker turned to it. */
  readonly begin: number;
  /** When all that it needs was there: then the work begins. */
  readonly waited: number;
  /** When it was done and its results were given away. */
  readonly end: number;
}

/** A tensor on its way from one worker to another. */
export interface TimelineMessage {
  /** As `messageKey` writes it: `skip encoder.0 0>3 m2`. */
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  /** When the link took it up, and when its last byte was there. */
  readonly begin: number;
  readonly end: number;
  /** The action that made it, and the one that needs it. */
  readonly sender: string;
  readonly receiver: string;
}

export interface Timeline {
  /** From the beginning of the step to the end of its last action. */
  readonly duration: number;
  /** The spans of every worker, in order. */
  readonly workers: readonly (readonly TimelineSpan[])[];
  readonly messages: readonly TimelineMessage[];
}
