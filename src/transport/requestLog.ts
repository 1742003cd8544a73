import type { Journal } from './journal.ts';
import type { Reply, ReplyTo, Request } from './protocol.ts';

/** Asked for again and again: a log tells of them to whoever looks for a fault. */
const ROUTINE: ReadonlySet<Request['kind']> = new Set(['step', 'apply', 'feed', 'memory', 'clock']);

/** Writes down that a request was answered, with what, and how long it took. */
export function logRequest(
  journal: Journal,
  request: Request,
  reply: Partial<Reply>,
  milliseconds: number,
  more: Readonly<Record<string, unknown>> = {},
): void {
  const step = 'step' in request ? { step: request.step } : {};
  journal[ROUTINE.has(request.kind) ? 'debug' : 'info'](request.kind, () => ({
    ...more,
    ...step,
    milliseconds,
    ...told(reply),
  }));
}

/** What a log says of a reply: its figures, and when each action began, had what it needed, and ended. */
function told(reply: Partial<Reply>): Record<string, unknown> {
  const { kind: _, id: __, ...rest } = reply as Partial<Record<string, unknown>>;
  const figures = Object.entries(rest).filter(([, value]) => typeof value !== 'object');
  const { spans } = reply as Partial<ReplyTo<'step'>>;
  const times = spans?.map(({ action, ...at }) =>
    [action, ...[at.begin, at.waited, at.end].map((time) => time.toFixed(2))].join(' '),
  );
  return { ...Object.fromEntries(figures), ...(times ? { actions: times } : {}) };
}
