import { z } from 'zod';
import { parseAction } from '../pipeline/action.ts';
import type { ActionKind } from '../pipeline/action.ts';
import type { Timeline, TimelineSpan } from '../pipeline/timeline.ts';

/*
 * A timeline in Chrome's trace-event format, which ui.perfetto.dev and chrome://tracing open: one track a worker, a slice an
 * action, an arrow a message.
 */

/** Microseconds. */
const time = z.number().nonnegative();
const place = { pid: z.number().int(), tid: z.number().int() };
const flow = { ...place, name: z.string(), cat: z.literal('message'), id: z.number().int(), ts: time };

export const traceEventSchema = z.discriminatedUnion('ph', [
  /** Names and orders processes and tracks. */
  z.strictObject({
    ...place,
    ph: z.literal('M'),
    name: z.enum(['process_name', 'thread_name', 'thread_sort_index']),
    args: z.union([z.strictObject({ name: z.string() }), z.strictObject({ sort_index: z.number().int() })]),
  }),
  /** A slice. */
  z.strictObject({
    ...place,
    ph: z.literal('X'),
    name: z.string(),
    cat: z.enum(['forward', 'backward', 'input gradient', 'weight gradient', 'wait']),
    ts: time,
    dur: time,
    args: z.record(z.string(), z.union([z.string(), z.number()])),
  }),
  /** An arrow begins in the slice that lies around it, and ends at the beginning of another. */
  z.strictObject({ ...flow, ph: z.literal('s') }),
  z.strictObject({ ...flow, ph: z.literal('f'), bp: z.literal('e') }),
]);

export const traceSchema = z.strictObject({
  displayTimeUnit: z.literal('ms'),
  traceEvents: z.array(traceEventSchema),
});

export type TraceEvent = z.infer<typeof traceEventSchema>;
export type Trace = z.infer<typeof traceSchema>;

/** One step of a trace. */
export interface TracedStep {
  readonly timeline: Timeline;
  /** When it began, in milliseconds since the trace did. */
  readonly start: number;
  /** Its number, for the slices' arguments. */
  readonly step?: number;
  /** The phase that it belongs to, where the run has phases. */
  readonly phase?: string;
}

const categories = {
  F: 'forward',
  B: 'backward',
  I: 'input gradient',
  W: 'weight gradient',
} as const satisfies Record<ActionKind, string>;

/** Steps, one after the other on the same tracks; `name` stands above them. */
export const traceOf = (name: string, steps: readonly TracedStep[]): Trace => {
  const workers = Math.max(0, ...steps.map(({ timeline }) => timeline.workers.length));
  const tracks = Array.from({ length: workers }, (_, tid) => trackEvents(tid)).flat();
  let arrows = 0;
  const events = steps.flatMap((step) => {
    const own = stepEvents(step, arrows);
    arrows += step.timeline.messages.length;
    return own;
  });
  return {
    displayTimeUnit: 'ms',
    traceEvents: [{ ph: 'M', name: 'process_name', pid: 0, tid: 0, args: { name } }, ...tracks, ...events],
  };
};

/** The text of its file. */
export const formatTrace = (trace: Trace): string => `${JSON.stringify(trace)}\n`;

const trackEvents = (tid: number): TraceEvent[] => [
  { ph: 'M', name: 'thread_name', pid: 0, tid, args: { name: `worker ${tid}` } },
  { ph: 'M', name: 'thread_sort_index', pid: 0, tid, args: { sort_index: tid } },
];

const stepEvents = ({ timeline, start, step, phase }: TracedStep, firstArrow: number): TraceEvent[] => {
  const about = { ...(step === undefined ? {} : { step }), ...(phase === undefined ? {} : { phase }) };
  const at = (milliseconds: number): number => microseconds(start + milliseconds);
  const slices = timeline.workers.flatMap((spans, tid) => spans.flatMap((span) => sliceEvents(span, tid, at, about)));
  const places = timeline.workers.map((spans) => new Map(spans.map((span) => [span.action, span])));
  const arrows = timeline.messages.flatMap(({ key, from, to, sender, receiver, begin }, index): TraceEvent[] => {
    const [made, used] = [places[from]?.get(sender), places[to]?.get(receiver)];
    if (!made || !used) return [];
    // An arrow holds on to a slice: it cannot begin where the link took the message up, which may be later.
    const ts = at(Math.min(Math.max(begin, made.waited), made.end));
    const arrow = { name: key, cat: 'message', id: firstArrow + index, pid: 0 } as const;
    return [
      { ...arrow, ph: 's', tid: from, ts },
      { ...arrow, ph: 'f', bp: 'e', tid: to, ts: Math.max(ts, at(used.waited)) },
    ];
  });
  return [...slices, ...arrows];
};

const sliceEvents = (
  { action, begin, waited, end }: TimelineSpan,
  tid: number,
  at: (milliseconds: number) => number,
  about: Readonly<Record<string, number | string>>,
): TraceEvent[] => {
  const { stage, kind, microBatch } = parseAction(action);
  const slice = { ph: 'X', pid: 0, tid } as const;
  const args = { ...about, stage, 'micro-batch': microBatch };
  const waiting: TraceEvent = {
    ...slice,
    ...{ name: `wait for ${action}`, cat: 'wait', args, ts: at(begin), dur: at(waited) - at(begin) },
  };
  const working: TraceEvent = {
    ...slice,
    ...{ name: action, cat: categories[kind], ts: at(waited), dur: at(end) - at(waited) },
    args: { ...args, 'waited (ms)': microseconds(waited - begin) / 1000 },
  };
  return waiting.dur > 0 ? [waiting, working] : [working];
};

/** To the nanosecond: finer than any clock here, and short in the file. */
const microseconds = (milliseconds: number): number => Math.round(milliseconds * 1e6) / 1e3;
