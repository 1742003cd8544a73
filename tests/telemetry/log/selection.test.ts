import { describe, expect, it, test } from 'vitest';
import { parseLine, type LogEntry } from '../../../src/telemetry/log/entry.ts';
import { parseSince, selector, type Selection } from '../../../src/telemetry/log/selection.ts';

const entry = (process: string, time: number, fields: Record<string, unknown> = {}): LogEntry =>
  parseLine(JSON.stringify({ level: 'info', time, process, pid: 1, host: 'a', msg: String(time), ...fields }), {
    time: 0,
    process,
  });
const entries = [
  entry('coordinator', 1),
  entry('worker 0', 2, { step: 1, level: 'debug' }),
  entry('worker 1', 3, { step: 2 }),
  entry('worker 0', 4, { level: 'error' }),
  parseLine('{', { time: 5, process: 'worker-1' }),
];
const shown = (selection: Selection): number[] => entries.filter(selector(selection)).map(({ time }) => time);

describe('of a log is shown', () => {
  it('everything, where nothing is said', () => expect(shown({})).toEqual([1, 2, 3, 4, 5]));

  it('what reaches a level, and what is damaged', () => {
    expect(shown({ level: 'info' })).toEqual([1, 3, 4, 5]);
    expect(shown({ level: 'error' })).toEqual([4, 5]);
  });

  it('what some processes wrote, by their names or by those of their files', () => {
    expect(shown({ processes: ['worker 0'] })).toEqual([2, 4]);
    expect(shown({ processes: ['worker-1', 'coordinator'] })).toEqual([1, 3, 5]);
  });

  it('what came since a time', () => expect(shown({ since: { time: 3 } })).toEqual([3, 4, 5]));

  it('everything since somebody first spoke of a step', () => {
    expect(shown({ since: { step: 2 } })).toEqual([3, 4, 5]);
    expect(shown({ since: { step: 2 }, processes: ['worker 0'] })).toEqual([4]);
    expect(shown({ since: { step: 9 } })).toEqual([]);
  });
});

test('since when is a step, a while ago, or a time', () => {
  const now = Date.UTC(2026, 0, 2);
  expect(parseSince('120', now)).toEqual({ step: 120 });
  expect(parseSince('90s', now)).toEqual({ time: now - 90_000 });
  expect(parseSince('1d', now)).toEqual({ time: Date.UTC(2026, 0, 1) });
  expect(parseSince('2026-01-01T10:00:00Z', now)).toEqual({ time: Date.UTC(2026, 0, 1, 10) });
  for (const text of ['', 'x', '-3', '10 m', '1.5', '2026-13-01']) expect(parseSince(text, now)).toBeUndefined();
});
