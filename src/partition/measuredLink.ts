import type { MeasuredLink } from './profile.ts';
import { median } from './spread.ts';

/** One worker's side of rounds of messages, there and back; milliseconds. */
export interface ProbeSide {
  /** Of every round. */
  readonly milliseconds: readonly number[];
  /** Its thread's, for copies, in all rounds together. */
  readonly occupied: number;
  /** All its threads', those of the link among them. */
  readonly processor: number;
}

/** Rounds between two workers: `bytes` there, `least` bytes back. */
export interface Probe {
  readonly bytes: number;
  readonly sender: ProbeSide;
  readonly receiver: ProbeSide;
}

export interface Probed {
  readonly from: number;
  readonly to: number;
  /** Both ways small, and one way large. */
  readonly small: Probe;
  readonly large: Probe;
  /**
   * Whether the link's own threads take time from the workers: they do where workers fill all the cores, and then what they
   * compute is time in which the worker does not.
   */
  readonly shared: boolean;
}

/** The least part of the way that is left to the link, beside the copies at its ends. */
const leastShare = 0.05;

/**
 * What a link takes, from rounds of two sizes. With T the time of a round, one way takes
 *
 *     latency + n · (out + way + in)        n bytes; out, in: the workers' own time a byte
 *     out + way + in = (T large − T small) / (large − small)        latency = T small / 2 − small · (…)
 */
export const measuredLink = ({ from, to, small, large, shared }: Probed): MeasuredLink => {
  const more = large.bytes - small.bytes;
  const perByte = Math.max(1e-9, (timeOf(large) - timeOf(small)) / more);
  const own = (side: 'sender' | 'receiver'): number =>
    Math.max(0, busyOf(large[side], shared) - busyOf(small[side], shared)) / more;
  const copies = Math.min(own('sender') + own('receiver'), 2 * perByte);
  return {
    ...{ from, to },
    latency: Math.max(0, timeOf(small) / 2 - small.bytes * perByte),
    bytes_per_ms: 1 / Math.max(leastShare * perByte, perByte - copies),
    copy_bytes_per_ms: 1 / Math.max(1e-9, copies / 2),
  };
};

const timeOf = ({ sender }: Probe): number => median(sender.milliseconds);

/** A round's. */
const busyOf = ({ milliseconds, occupied, processor }: ProbeSide, shared: boolean): number =>
  (shared ? Math.max(processor, occupied) : occupied) / milliseconds.length;
