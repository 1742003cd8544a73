import type { Action, Schedule } from './action.ts';
import { isLocal, linkKey, messageKey, messagesOf } from './messages.ts';
import type { ActionMessages, Message } from './messages.ts';
import type { Routes } from './routes.ts';

/*
 * The workers' lists walked under bounded queues, without time: whether the walk ends.
 *
 * - A link (an ordered pair of workers) is a queue that holds `queueCapacity` messages, first in, first out.
 * - Before an action a worker waits until it holds every message that the action needs. While one is missing on a link, it
 *   takes from that link in the order of arrival: what the action needs, and what it does not need yet, which it sets
 *   aside, `setAside` messages a link at most. From links on which nothing is missing it takes nothing.
 * - After an action it sends every result, in order, and takes nothing meanwhile: a full queue holds it up.
 * - Between two stages of one worker, messages are handed over, in any number.
 *
 * A runtime that takes more eagerly, or has more room, can only go further: what ends here ends there. And no walk depends
 * on who moves first (a network of sequential processes with blocking sends and receives; Kahn 1974), so one walk decides.
 */

export interface QueueLimits {
  readonly queueCapacity: number;
  readonly setAside: number;
}

/** A worker that cannot go on: before `action` it lacks messages, or behind it a message finds its queue full. */
export interface StuckWorker {
  readonly worker: number;
  readonly position: number;
  readonly action: Action;
  readonly reason: 'receiving' | 'sending';
  /** The messages that do not come, or the one that does not go. */
  readonly messages: readonly Message[];
}

export interface BoundedRun {
  /** Empty where every worker came to the end of its list. */
  readonly stuck: readonly StuckWorker[];
  /** The most messages that any worker had set aside from one link. */
  readonly peakSetAside: number;
}

/** Walks the lists of a schedule that is complete. */
export const runBounded = (schedule: Schedule, routes: Routes, limits: QueueLimits): BoundedRun => {
  const links = new Map<string, string[]>();
  const walkers = messagesOf(schedule, routes).map((actions, worker) => new Walker(worker, actions, links, limits));
  while (walkers.map((walker) => walker.advance()).some(Boolean));
  return {
    stuck: walkers.flatMap((walker) => walker.stuck() ?? []),
    peakSetAside: Math.max(0, ...walkers.map((walker) => walker.peakSetAside)),
  };
};

/**
 * The least `queueCapacity` with which the lists end, whatever is set aside; nothing, where none does. With skips by portal
 * it can be more than 1: in 1F1B the first worker sends skips ahead while the last sends their gradients back.
 */
export const leastQueueCapacity = (schedule: Schedule, routes: Routes): number | undefined => {
  const ends = (queueCapacity: number): boolean =>
    runBounded(schedule, routes, { queueCapacity, setAside: Infinity }).stuck.length === 0;
  const unlimited = messagesOf(schedule, routes).flatMap((actions) => actions.flatMap(({ sends }) => sends)).length + 1;
  // Mostly it is small: doubled until it is enough, then halved between.
  let [least, most] = [1, 1];
  for (; !ends(most); most = Math.min(2 * most, unlimited)) {
    if (most === unlimited) return undefined;
    least = most + 1;
  }
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    if (ends(middle)) most = middle;
    else least = middle + 1;
  }
  return least;
};

class Walker {
  readonly #worker: number;
  readonly #actions: readonly ActionMessages[];
  readonly #links: Map<string, string[]>;
  readonly #limits: QueueLimits;
  /** What it holds, by the link that it came from; its own under the link to itself. */
  readonly #held = new Map<string, Set<string>>();
  #position = 0;
  #outbox: Message[] = [];
  peakSetAside = 0;

  constructor(worker: number, actions: readonly ActionMessages[], links: Map<string, string[]>, limits: QueueLimits) {
    this.#worker = worker;
    this.#actions = actions;
    this.#links = links;
    this.#limits = limits;
  }

  /** Goes as far as it can; whether that was anywhere. */
  advance(): boolean {
    let moved = this.#send();
    while (this.#outbox.length === 0 && this.#position < this.#actions.length) {
      const { needs, sends } = this.#actions[this.#position] as ActionMessages;
      moved = this.#receive(needs) || moved;
      if (this.#missing(needs).length > 0) break;
      for (const message of needs) this.#heldFrom(message).delete(messageKey(message));
      this.#position += 1;
      this.#outbox = [...sends];
      moved = true;
      this.#send();
    }
    return moved;
  }

  stuck(): StuckWorker | undefined {
    const [unsent] = this.#outbox;
    const position = unsent ? this.#position - 1 : this.#position;
    const at = this.#actions[position];
    if (!at) return undefined;
    const reason = unsent ? 'sending' : 'receiving';
    const messages = unsent ? [unsent] : this.#missing(at.needs);
    return { worker: this.#worker, position, action: at.action, reason, messages };
  }

  #send(): boolean {
    let moved = false;
    for (let message = this.#outbox[0]; message; message = this.#outbox[0]) {
      if (isLocal(message)) this.#heldFrom(message).add(messageKey(message));
      else {
        const queue = this.#queue(message);
        if (queue.length >= this.#limits.queueCapacity) break;
        queue.push(messageKey(message));
      }
      this.#outbox.shift();
      moved = true;
    }
    return moved;
  }

  /** Takes from every link on which something is missing, until nothing is, or nothing comes, or no more can be set aside. */
  #receive(needs: readonly Message[]): boolean {
    let moved = false;
    const wanted = new Set(needs.map(messageKey));
    for (const message of needs) {
      const held = this.#heldFrom(message);
      const queue = this.#queue(message);
      while (!held.has(messageKey(message))) {
        const head = queue[0];
        const aside = [...held].filter((key) => !wanted.has(key)).length;
        if (head === undefined || (!wanted.has(head) && aside >= this.#limits.setAside)) break;
        if (!wanted.has(head)) this.peakSetAside = Math.max(this.peakSetAside, aside + 1);
        held.add(head);
        queue.shift();
        moved = true;
      }
    }
    return moved;
  }

  #missing(needs: readonly Message[]): Message[] {
    return needs.filter((message) => !this.#heldFrom(message).has(messageKey(message)));
  }

  #queue(message: Message): string[] {
    const key = linkKey(message);
    const queue = this.#links.get(key) ?? [];
    this.#links.set(key, queue);
    return queue;
  }

  #heldFrom(message: Message): Set<string> {
    const key = linkKey(message);
    const held = this.#held.get(key) ?? new Set<string>();
    this.#held.set(key, held);
    return held;
  }
}
