import type { Action, Schedule } from './action.ts';
import type { Portal, Routes } from './routes.ts';

export type MessageKind = 'activation' | 'gradient' | 'skip' | 'skipGradient';

/**
 * One tensor that passes from stage to stage. `activation`: the output of a stage, for the next. `gradient`: that of a
 * stage's input, for the stage before. `skip`: by portal to the stage that pops it, or to the
 * next one of those that it is threaded through. `skipGradient`: its way back.
 * Between two stages of one worker (`fromWorker` = `toWorker`) it is handed over and never sent.
 */
export interface Message {
  readonly kind: MessageKind;
  readonly microBatch: number;
  readonly fromStage: number;
  readonly toStage: number;
  readonly fromWorker: number;
  readonly toWorker: number;
  /** Its name, for the two kinds that are of a skip. */
  readonly skip?: string;
}

/** What an action waits for, and what it sends when it is done, in that order. */
export interface ActionMessages {
  readonly action: Action;
  readonly needs: readonly Message[];
  readonly sends: readonly Message[];
}

/** An ordered pair of workers. */
export interface Link {
  readonly from: number;
  readonly to: number;
}

/** Tells the messages of one step apart: `skip encoder.0 0>3 m2`. */
export const messageKey = ({ kind, skip, fromStage, toStage, microBatch }: Message): string =>
  `${skip === undefined ? kind : `${kind} ${skip}`} ${fromStage}>${toStage} m${microBatch}`;

/** Whether a message stays on its worker. */
export const isLocal = (message: Message): boolean => message.fromWorker === message.toWorker;

/** No skips at all: a plain chain of stages. */
export const chainOf = (stages: number): Routes => ({ stages, portals: [] });

/**
 * For every worker and action, the messages before and after it:
 *
 *     F     needs the activation of s − 1 and the skips that come to s;         sends its activation, then its skips
 *     B, I  needs the gradient from s + 1 and of every skip that left s;        sends its gradient, then those of its skips
 *     W     neither: it works on what is there
 *
 * A skip that is threaded through s comes with the one and leaves with the other.
 */
export const messagesOf = (schedule: Schedule, routes: Routes): readonly (readonly ActionMessages[])[] => {
  const router = new Router(schedule, routes);
  return schedule.workers.map((actions) =>
    actions.map((action) => ({ action, needs: router.needs(action), sends: router.sends(action) })),
  );
};

/** The ordered pairs of workers with something to send, sorted. */
export const linksOf = (messages: readonly (readonly ActionMessages[])[]): Link[] => {
  const links = new Map<string, Link>();
  for (const { sends } of messages.flat())
    for (const message of sends)
      if (!isLocal(message)) links.set(linkKey(message), { from: message.fromWorker, to: message.toWorker });
  return [...links.values()].toSorted((a, b) => a.from - b.from || a.to - b.to);
};

/** The link that a message takes: `0>3`. */
export const linkKey = ({ fromWorker, toWorker }: Pick<Message, 'fromWorker' | 'toWorker'>): string =>
  `${fromWorker}>${toWorker}`;

class Router {
  readonly #placement: readonly number[];
  readonly #portals: readonly Portal[];

  constructor({ placement }: Schedule, { portals }: Routes) {
    this.#placement = placement;
    this.#portals = portals.filter(({ local }) => !local);
  }

  needs({ stage, kind, microBatch }: Action): Message[] {
    if (kind === 'W') return [];
    if (kind === 'F')
      return [
        ...this.#between('activation', stage - 1, stage, microBatch),
        ...this.#portals.filter(({ to }) => to === stage).flatMap((portal) => this.#skip(portal, microBatch)),
      ];
    return [
      ...this.#between('gradient', stage + 1, stage, microBatch),
      ...this.#portals.filter(({ from }) => from === stage).flatMap((portal) => this.#skipBack(portal, microBatch)),
    ];
  }

  sends({ stage, kind, microBatch }: Action): Message[] {
    if (kind === 'W') return [];
    if (kind === 'F')
      return [
        ...this.#between('activation', stage, stage + 1, microBatch),
        ...this.#portals.filter(({ from }) => from === stage).flatMap((portal) => this.#skip(portal, microBatch)),
      ];
    return [
      ...this.#between('gradient', stage, stage - 1, microBatch),
      ...this.#portals.filter(({ to }) => to === stage).flatMap((portal) => this.#skipBack(portal, microBatch)),
    ];
  }

  #skip({ skip, from, to }: Portal, microBatch: number): Message[] {
    return this.#between('skip', from, to, microBatch, skip);
  }

  #skipBack({ skip, from, to }: Portal, microBatch: number): Message[] {
    return this.#between('skipGradient', to, from, microBatch, skip);
  }

  /** Nothing, where one of the two stages does not exist: before the first, behind the last. */
  #between(kind: MessageKind, fromStage: number, toStage: number, microBatch: number, skip?: string): Message[] {
    const fromWorker = this.#placement[fromStage];
    const toWorker = this.#placement[toStage];
    if (fromWorker === undefined || toWorker === undefined) return [];
    return [{ kind, microBatch, fromStage, toStage, fromWorker, toWorker, ...(skip !== undefined && { skip }) }];
  }
}
