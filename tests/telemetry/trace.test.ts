import fc from 'fast-check';
import { expect, test } from 'vitest';
import { simulate } from '../../src/pipeline/simulator.ts';
import { formatTrace, traceOf, traceSchema } from '../../src/telemetry/trace.ts';
import type { TraceEvent } from '../../src/telemetry/trace.ts';
import { arbitraryRequest } from '../pipeline/costs.ts';

const slicesOf = (events: readonly TraceEvent[]) => events.filter((event) => event.ph === 'X');

test('a step of two workers is two tracks, a slice an action and a wait, and an arrow a message', () => {
  const timeline = {
    duration: 5,
    workers: [[{ action: '0F0', begin: 0, waited: 0, end: 2 }], [{ action: '1F0', begin: 0, waited: 3.5, end: 5 }]],
    messages: [
      { key: 'activation 0>1 m0', from: 0, to: 1, bytes: 8, begin: 2.5, end: 3.5, sender: '0F0', receiver: '1F0' },
    ],
  };
  expect(traceOf('plan', [{ timeline, start: 10, step: 7 }]).traceEvents).toEqual([
    { ph: 'M', name: 'process_name', pid: 0, tid: 0, args: { name: 'plan' } },
    { ph: 'M', name: 'thread_name', pid: 0, tid: 0, args: { name: 'worker 0' } },
    { ph: 'M', name: 'thread_sort_index', pid: 0, tid: 0, args: { sort_index: 0 } },
    { ph: 'M', name: 'thread_name', pid: 0, tid: 1, args: { name: 'worker 1' } },
    { ph: 'M', name: 'thread_sort_index', pid: 0, tid: 1, args: { sort_index: 1 } },
    {
      ...{ ph: 'X', pid: 0, tid: 0, name: '0F0', cat: 'forward', ts: 10_000, dur: 2000 },
      args: { step: 7, stage: 0, 'micro-batch': 0, 'waited (ms)': 0 },
    },
    {
      ...{ ph: 'X', pid: 0, tid: 1, name: 'wait for 1F0', cat: 'wait', ts: 10_000, dur: 3500 },
      args: { step: 7, stage: 1, 'micro-batch': 0 },
    },
    {
      ...{ ph: 'X', pid: 0, tid: 1, name: '1F0', cat: 'forward', ts: 13_500, dur: 1500 },
      args: { step: 7, stage: 1, 'micro-batch': 0, 'waited (ms)': 3.5 },
    },
    { ph: 's', name: 'activation 0>1 m0', cat: 'message', id: 0, pid: 0, tid: 0, ts: 12_000 },
    { ph: 'f', bp: 'e', name: 'activation 0>1 m0', cat: 'message', id: 0, pid: 0, tid: 1, ts: 13_500 },
  ]);
});

test('every trace has the form, and its arrows begin and end in slices of the actions that they join', () => {
  fc.assert(
    fc.property(arbitraryRequest, (request) => {
      const simulation = simulate(request);
      const steps = [0, 1000].map((start, step) => ({ timeline: simulation, start, step }));
      const trace = traceOf('simulated', steps);
      expect(traceSchema.parse(JSON.parse(formatTrace(trace)))).toEqual(trace);
      const { traceEvents } = trace;
      const worked = slicesOf(traceEvents).filter(({ cat }) => cat !== 'wait');
      expect(worked).toHaveLength(2 * request.schedule.workers.flat().length);
      const starts = traceEvents.filter((event) => event.ph === 's');
      const ends = traceEvents.filter((event) => event.ph === 'f');
      expect(new Set(starts.map(({ id }) => id)).size).toBe(2 * simulation.messages.length);
      expect(ends.map(({ id }) => id)).toEqual(starts.map(({ id }) => id));
      for (const arrow of [...starts, ...ends])
        expect(
          worked.some(
            (slice) => slice.tid === arrow.tid && slice.ts <= arrow.ts && arrow.ts <= slice.ts + slice.dur + 1e-3,
          ),
        ).toBe(true);
    }),
    { numRuns: 30 },
  );
});
