import { formatAction } from './action.ts';
import type { Action, Schedule } from './action.ts';
import { isLocal, linkKey, messageKey, messagesOf } from './messages.ts';
import type { Link, Message } from './messages.ts';
import type { Routes } from './routes.ts';

/** A message, one object for both its ends. */
export interface Parcel {
  readonly message: Message;
  readonly key: string;
  /** Its place among the links; none where it stays on its worker. */
  readonly link: number | undefined;
  /** The action that makes it, and the one that needs it. */
  sender: string;
  receiver: string;
}

/** An action of a worker's list, with the messages before and after it. */
export interface TimedStep {
  readonly action: Action;
  readonly text: string;
  readonly needs: readonly Parcel[];
  readonly sends: readonly Parcel[];
}

/** A schedule made ready to be walked with any costs. */
export interface TimedLists {
  readonly workers: readonly (readonly TimedStep[])[];
  readonly links: readonly Link[];
}

const known = new WeakMap<Schedule, { readonly routes: Routes; readonly lists: TimedLists }>();

/** The lists of a schedule. A search asks for those of the same schedule again and again: the last ones are remembered. */
export const timedListsOf = (schedule: Schedule, routes: Routes): TimedLists => {
  const found = known.get(schedule);
  if (found?.routes === routes) return found.lists;
  const lists = makeLists(schedule, routes);
  known.set(schedule, { routes, lists });
  return lists;
};

const makeLists = (schedule: Schedule, routes: Routes): TimedLists => {
  const parcels = new Map<string, Parcel>();
  const links = new Map<string, { readonly index: number; readonly link: Link }>();
  const linkOf = (message: Message): number | undefined => {
    if (isLocal(message)) return undefined;
    const key = linkKey(message);
    const entry = links.get(key) ?? { index: links.size, link: { from: message.fromWorker, to: message.toWorker } };
    links.set(key, entry);
    return entry.index;
  };
  const parcelOf = (message: Message): Parcel => {
    const key = messageKey(message);
    const parcel = parcels.get(key) ?? { message, key, link: linkOf(message), sender: '', receiver: '' };
    parcels.set(key, parcel);
    return parcel;
  };
  const workers = messagesOf(schedule, routes).map((actions) =>
    actions.map(({ action, ...messages }): TimedStep => {
      const text = formatAction(action);
      const [needs, sends] = [messages.needs.map(parcelOf), messages.sends.map(parcelOf)];
      for (const parcel of needs) parcel.receiver = text;
      for (const parcel of sends) parcel.sender = text;
      return { action, text, needs, sends };
    }),
  );
  return { workers, links: [...links.values()].map(({ link }) => link) };
};
