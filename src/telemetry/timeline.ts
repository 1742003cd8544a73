import { formatAction } from '../pipeline/action.ts';
import type { Schedule } from '../pipeline/action.ts';
import { isLocal, messageKey, messagesOf } from '../pipeline/messages.ts';
import type { Message } from '../pipeline/messages.ts';
import type { Routes } from '../pipeline/routes.ts';
import type { Timeline, TimelineMessage, TimelineSpan } from '../pipeline/timeline.ts';

/** What the workers of a real step told. */
export interface RecordedStep {
  readonly schedule: Schedule;
  readonly routes: Routes;
  /** The spans of every worker, in milliseconds since the step began there. */
  readonly spans: readonly (readonly TimelineSpan[])[];
  /** When the step began on every worker, by one clock; at once, where that is not known. */
  readonly starts?: readonly number[];
  /** The bytes of a message; 0 where nothing is said. */
  readonly bytes?: (message: Message) => number;
  /** What every worker sent and received, where it noted that, on the clock of its spans. */
  readonly sent?: readonly (readonly SentMessage[])[];
  readonly received?: readonly (readonly ReceivedMessage[])[];
}

/** A message as its sender saw it. */
export interface SentMessage {
  /** As `messageKey` writes it. */
  readonly key: string;
  readonly bytes: number;
  /** When it had been copied out of the engine. */
  readonly begin: number;
}

/** A message as its receiver saw it. */
export interface ReceivedMessage {
  readonly key: string;
  /** When the receiver took it up. */
  readonly at: number;
}

/** How a worker spent its time, in milliseconds. */
export interface TimeShare {
  /** From the moment when all was there that an action needed, to its end. */
  readonly busy: number;
  /** The rest of the step. */
  readonly idle: number;
  /** idle / duration. */
  readonly bubble: number;
}

/**
 * The timeline of a real step, in the form that the simulator gives. Where workers noted no messages, the spans tell when: a
 * message is on its way from the end of the action that made it until the one that needs it goes on.
 */
export const recordedTimeline = (step: RecordedStep): Timeline => {
  const workers = step.spans.map((spans, worker) => spans.map((span) => shifted(span, step.starts?.[worker] ?? 0)));
  const places = workers.map((spans) => new Map(spans.map((span) => [span.action, span])));
  const noted = notesOf(step);
  const lists = messagesOf(step.schedule, step.routes);
  const receivers = new Map(
    lists.flatMap((actions) =>
      actions.flatMap(({ action, needs }) =>
        needs.map((message) => [messageKey(message), formatAction(action)] as const),
      ),
    ),
  );
  const messages = lists.flat().flatMap(({ action, sends }) =>
    sends
      .filter((message) => !isLocal(message))
      .flatMap((message): TimelineMessage[] => {
        const { fromWorker: from, toWorker: to } = message;
        const [key, sender] = [messageKey(message), formatAction(action)];
        const receiver = receivers.get(key) ?? '';
        const [made, used] = [places[from]?.get(sender), places[to]?.get(receiver)];
        // A step that was cut short: what was not done was not sent.
        if (!made || !used) return [];
        const { bytes = step.bytes?.(message) ?? 0, begin = made.end } = noted.sent.get(key) ?? {};
        const end = Math.max(begin, noted.received.get(key) ?? used.waited);
        return [{ key, from, to, bytes, begin, end, sender, receiver }];
      }),
  );
  return { duration: Math.max(0, ...workers.map((spans) => spans.at(-1)?.end ?? 0)), workers, messages };
};

/** What was noted, by message, on the one clock. */
const notesOf = ({ sent = [], received = [], starts = [] }: RecordedStep) => ({
  sent: new Map(
    sent.flatMap((messages, worker) =>
      messages.map(({ key, bytes, begin }) => [key, { bytes, begin: begin + (starts[worker] ?? 0) }] as const),
    ),
  ),
  received: new Map(
    received.flatMap((messages, worker) => messages.map(({ key, at }) => [key, at + (starts[worker] ?? 0)] as const)),
  ),
});

const shifted = ({ action, begin, waited, end }: TimelineSpan, by: number): TimelineSpan => ({
  action,
  begin: begin + by,
  waited: waited + by,
  end: end + by,
});

/** Pipelines that ran side by side, as one: the workers of each behind those of the one before. */
export const sideBySide = (timelines: readonly Timeline[]): Timeline => ({
  duration: Math.max(0, ...timelines.map(({ duration }) => duration)),
  workers: timelines.flatMap(({ workers }) => workers),
  messages: timelines.flatMap(({ messages }, i) => {
    const first = timelines.slice(0, i).reduce((sum, { workers }) => sum + workers.length, 0);
    return messages.map((message) => ({ ...message, from: first + message.from, to: first + message.to }));
  }),
});

/** Busy and idle time of every worker, as the spans have it: of a simulated step and of a real one in the same way. */
export const timeShares = ({ workers, duration }: Timeline): TimeShare[] =>
  workers.map((spans) => {
    const busy = spans.reduce((sum, { waited, end }) => sum + (end - waited), 0);
    const idle = duration - busy;
    return { busy, idle, bubble: duration > 0 ? idle / duration : 0 };
  });
