import type { Link } from './messages.ts';
import type { Parcel } from './timedLists.ts';
import type { TimelineMessage } from './timeline.ts';

/** What a message takes on its link: milliseconds, and the bytes for the record. */
export interface Passing {
  readonly bytes: number;
  /** How long it keeps the link busy, and what it takes beyond that to arrive. */
  readonly occupancy: number;
  readonly latency: number;
}

/** A message with every time of its way; `begin` and `end` are those at which the link took it up and it was all there. */
export interface TimedMessage extends TimelineMessage {
  /** When it had been copied out of the sender's engine. */
  readonly made: number;
  /** When its last byte had left. */
  readonly left: number;
  /** When the receiver's action had it in its engine. */
  readonly used: number;
}

interface Passage {
  readonly parcel: Parcel;
  readonly bytes: number;
  readonly made: number;
  readonly begin: number;
  readonly left: number;
  readonly arrived: number;
  used: number;
}

/** One link, first in, first out: what has entered it so far, and when each message was taken. The rules are in timedRun.ts. */
export class LinkQueue {
  readonly #link: Link;
  readonly #capacity: number;
  readonly #passages: Passage[] = [];
  readonly #places = new Map<Parcel, number>();
  readonly #takes: number[] = [];

  constructor(link: Link, capacity: number) {
    this.#link = link;
    this.#capacity = capacity;
  }

  get from(): number {
    return this.#link.from;
  }

  get to(): number {
    return this.#link.to;
  }

  /** From when there is room for one more; undefined where that is not known yet. */
  roomAt(): number | undefined {
    const before = this.#passages.length - this.#capacity;
    return before < 0 ? 0 : this.#takes[before];
  }

  enter(parcel: Parcel, times: { readonly made: number; readonly enter: number }, passing: Passing): void {
    const begin = Math.max(times.enter, this.#passages.at(-1)?.left ?? 0);
    const left = begin + passing.occupancy;
    const arrived = left + passing.latency;
    this.#places.set(parcel, this.#passages.length);
    this.#passages.push({ parcel, bytes: passing.bytes, made: times.made, begin, left, arrived, used: arrived });
  }

  /**
   * The receiver wants a message, and looks since `from`: takes what has come, up to that message. `at`: when it had it;
   * undefined where it has not come yet. `freed`: whether anything was taken.
   */
  take(parcel: Parcel, from: number): { readonly at: number | undefined; readonly freed: boolean } {
    const place = this.#places.get(parcel);
    const before = this.#takes.length;
    const arrived = (index: number): number => Math.max(from, this.#passages[index]?.arrived ?? 0);
    const end = place === undefined ? this.#passages.length : place + 1;
    for (let index = before; index < end; index += 1) this.#takes.push(arrived(index));
    return { at: place === undefined ? undefined : arrived(place), freed: this.#takes.length > before };
  }

  /** Notes when a message was in the receiver's engine. */
  use(parcel: Parcel, at: number): void {
    const passage = this.#passages[this.#places.get(parcel) ?? -1];
    if (passage) passage.used = at;
  }

  messages(): TimedMessage[] {
    return this.#passages.map(({ parcel, bytes, made, begin, left, arrived, used }) => {
      const { key, sender, receiver } = parcel;
      return { key, from: this.from, to: this.to, bytes, begin, end: arrived, sender, receiver, made, left, used };
    });
  }
}
