import type { Action, Schedule } from './action.ts';
import { LinkQueue } from './linkQueue.ts';
import type { Passing, TimedMessage } from './linkQueue.ts';
import type { Message } from './messages.ts';
import type { Routes } from './routes.ts';
import { timedListsOf } from './timedLists.ts';
import type { Parcel, TimedStep } from './timedLists.ts';
import type { TimelineSpan } from './timeline.ts';

/*
 * The workers' lists walked under bounded queues, as boundedRun.ts has it, with the time of every event. Message i of a link
 * that holds `capacity` of them, and an action whose needs are the messages n₁, n₂, …:
 *
 *     enter(i)  = max(when its sender has copied it out, take(i − capacity))
 *     leave(i)  = max(enter(i), leave(i − 1)) + occupancy(i)               one after the other through the link
 *     arrive(i) = leave(i) + latency(i)
 *     take(i)   = max(begin of the action that takes it, arrive(i))        the one that needs it, or one behind it
 *     ready     = (… max(max(begin, take(n₁)) + copy(n₁), take(n₂)) + copy(n₂) …)
 *     end       = ready + duration; then for each result its copy, and the wait until it enters
 *
 * Which action takes which message, and in what order messages enter a link, is a matter of the lists alone. So every time is
 * a maximum of sums of these durations: it does not depend on who is walked first, never falls where one of them grows, and
 * never rises with the capacity. There are no anomalies: nothing is sooner because something else is slower.
 */

export interface TimedRunRequest {
  readonly schedule: Schedule;
  readonly routes: Routes;
  readonly queueCapacity: number;
  /** Milliseconds of an action on its worker, without copies and waits. */
  readonly duration: (action: Action) => number;
  readonly passing: (message: Message) => Passing;
  /** Milliseconds in which a worker copies a message out of its engine, or into it. */
  readonly copy: (worker: number, message: Message) => number;
}

export interface TimedWorker {
  readonly spans: readonly TimelineSpan[];
  /** Working or copying. */
  readonly busy: number;
  /** Waiting for room in a queue. */
  readonly blocked: number;
}

export interface TimedRun {
  readonly workers: readonly TimedWorker[];
  /** Those that took a link, link by link, in the order in which they entered it; made when asked for. */
  readonly messages: () => TimedMessage[];
}

/** A schedule whose lists do not come to their end. */
export class StuckScheduleError extends Error {
  override readonly name = 'StuckScheduleError';
  readonly schedule: string;
  /** The action that a worker cannot do, or whose results it cannot send. */
  readonly stuck: readonly { readonly worker: number; readonly action: string }[];

  constructor(schedule: string, stuck: StuckScheduleError['stuck'], queueCapacity: number) {
    super(
      `schedule ${schedule} does not end with queues of ${queueCapacity} messages a link: ` +
        `${stuck.map(({ worker, action }) => `worker ${worker} at ${action}`).join(', ')}; ` +
        'validateSchedule says why, leastQueueCapacity how much room would do',
    );
    this.schedule = schedule;
    this.stuck = stuck;
  }
}

/** Walks the lists of a schedule that is complete; throws a StuckScheduleError where they do not end. */
export const timedRun = (request: TimedRunRequest): TimedRun => {
  const { workers, links } = timedListsOf(request.schedule, request.routes);
  const queues = links.map((link) => new LinkQueue(link, request.queueCapacity));
  const walkers = workers.map((steps, worker) => new Walker(worker, steps, queues, request));
  const next = walkers.map((_, worker) => worker).toReversed();
  for (let worker = next.pop(); worker !== undefined; worker = next.pop())
    next.push(...(walkers[worker] as Walker).advance());
  const stuck = walkers.flatMap((walker) => walker.stuck() ?? []);
  if (stuck.length > 0) throw new StuckScheduleError(request.schedule.name, stuck, request.queueCapacity);
  return {
    workers: walkers.map(({ spans, busy, blocked }) => ({ spans, busy, blocked })),
    messages: () => queues.flatMap((queue) => queue.messages()),
  };
};

/** Results on their way out: those that are left, and when the first of them had been copied out, once it has. */
interface Outbox {
  readonly span: { readonly begin: number; readonly waited: number };
  readonly left: Parcel[];
  made: number | undefined;
}

class Walker {
  readonly #worker: number;
  readonly #steps: readonly TimedStep[];
  readonly #queues: readonly LinkQueue[];
  readonly #request: TimedRunRequest;
  /** What was handed over on this worker. */
  readonly #here = new Set<Parcel>();
  /** Workers that may go on by what this one did. */
  readonly #freed = new Set<number>();
  #clock = 0;
  #outbox: Outbox | undefined;
  readonly spans: TimelineSpan[] = [];
  busy = 0;
  blocked = 0;

  constructor(worker: number, steps: readonly TimedStep[], queues: readonly LinkQueue[], request: TimedRunRequest) {
    this.#worker = worker;
    this.#steps = steps;
    this.#queues = queues;
    this.#request = request;
  }

  /** Goes as far as it can; returns the workers that may go further now. */
  advance(): number[] {
    this.#freed.clear();
    for (let step = this.#step; step && this.#act(step) && this.#send(step); step = this.#step);
    return [...this.#freed];
  }

  stuck(): { worker: number; action: string } | undefined {
    return this.#step && { worker: this.#worker, action: this.#step.text };
  }

  get #step(): TimedStep | undefined {
    return this.#steps[this.spans.length];
  }

  /** Does the work of a step as soon as all is there that it needs; false where something has not come. */
  #act({ action, needs, sends }: TimedStep): boolean {
    if (this.#outbox) return true;
    const begin = this.#clock;
    const taken = needs.map((parcel) => this.#take(parcel, begin));
    if (taken.includes(undefined)) return false;
    // What is copied in behind the last arrival is work.
    const waited = Math.max(begin, ...taken.map((at) => at ?? 0));
    for (const [index, parcel] of needs.entries()) {
      this.#clock = Math.max(this.#clock, taken[index] ?? 0);
      if (parcel.link === undefined) this.#here.delete(parcel);
      else this.#work(this.#request.copy(this.#worker, parcel.message));
      if (parcel.link !== undefined) this.#queues[parcel.link]?.use(parcel, this.#clock);
    }
    this.#outbox = { span: { begin, waited }, left: [...sends], made: undefined };
    this.#work(this.#request.duration(action));
    return true;
  }

  #work(duration: number): void {
    this.#clock += duration;
    this.busy += duration;
  }

  #take(parcel: Parcel, begin: number): number | undefined {
    const queue = this.#queues[parcel.link ?? -1];
    if (!queue) return this.#here.has(parcel) ? begin : undefined;
    const { at, freed } = queue.take(parcel, begin);
    if (freed) this.#freed.add(queue.from);
    return at;
  }

  /** Sends what is left of a step's results and closes its span; false where a queue is full. */
  #send({ text }: TimedStep): boolean {
    const { span, left } = this.#outbox as Outbox;
    for (let parcel = left[0]; parcel; parcel = left[0]) {
      const queue = this.#queues[parcel.link ?? -1];
      if (!queue) this.#here.add(parcel);
      else if (!this.#enter(parcel, queue)) return false;
      left.shift();
    }
    this.spans.push({ action: text, ...span, end: this.#clock });
    this.#outbox = undefined;
    return true;
  }

  #enter(parcel: Parcel, queue: LinkQueue): boolean {
    const outbox = this.#outbox as Outbox;
    if (outbox.made === undefined) this.#work(this.#request.copy(this.#worker, parcel.message));
    const made = (outbox.made ??= this.#clock);
    const room = queue.roomAt();
    if (room === undefined) return false;
    this.#clock = Math.max(made, room);
    this.blocked += this.#clock - made;
    queue.enter(parcel, { made, enter: this.#clock }, this.#request.passing(parcel.message));
    outbox.made = undefined;
    this.#freed.add(queue.to);
    return true;
  }
}
