import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { parseLine, type LogEntry } from '../../../src/telemetry/log/entry.ts';
import { formatEntry } from '../../../src/telemetry/log/formatEntry.ts';

const time = new Date(2026, 10, 24, 9, 5, 7, 45).toISOString();
const before = { time: Date.parse(time), process: 'worker-0' };
const entry = (fields: Record<string, unknown>): LogEntry =>
  parseLine(JSON.stringify({ level: 'info', time, process: 'worker 0', pid: 1, host: 'a', ...fields }), before);
const plain = (each: LogEntry): string => formatEntry(each, pc.createColors(false));

describe('a line of a log', () => {
  it('stands in columns: when, level, process, step, what, and the rest', () => {
    expect(
      plain(entry({ msg: 'configured', step: 12, cells: 14, device: 'Xeon, 2 cores', seconds: 0.123_456_789 })),
    ).toBe('09:05:07.045  info   worker 0     step 12  configured  cells=14 device="Xeon, 2 cores" seconds=0.12346');
    expect(plain(entry({ msg: 'bye', level: 'warn' }))).toBe('09:05:07.045  warn   worker 0     bye');
  });

  it('has an error in it, and the stack below', () => {
    const error = {
      name: 'RangeError',
      message: 'too far',
      stack: 'RangeError: too far\n    at walk',
      cause: { message: 'why' },
    };
    expect(plain(entry({ msg: 'failed', level: 'error', error }))).toBe(
      '09:05:07.045  error  worker 0     failed  error=RangeError: too far {"cause":{"message":"why"}}\n' +
        '    RangeError: too far\n        at walk',
    );
  });

  it('that is damaged is shown, short and harmless', () => {
    const shown = plain(parseLine(`\u001b[2J${'x'.repeat(1000)}`, before));
    expect(shown).toMatch(/^09:05:07\.045 {2}\?{5} {2}worker-0 {5}damaged line: ·\[2Jx+…$/);
    expect(shown.length).toBeLessThan(200);
  });

  it('lets nothing reach the terminal that it would obey', () => {
    const shown = plain(entry({ msg: 'a\u001b[2J', 'k\u0007': 'v\u009b', list: ['\u001b', '\u007f'] }));
    const codes = Array.from(shown, (letter) => letter.codePointAt(0)!);
    expect(codes.filter((code) => code < 0x20 || (code >= 0x7f && code < 0xa0))).toEqual([]);
  });

  it('has a colour for each process', () => {
    const colours = pc.createColors(true);
    const colourOf = (process: string): string =>
      formatEntry(entry({ process, msg: '' }), colours)
        .split(process)[0]!
        .split(' ')
        .at(-1)!;
    expect(new Set(['coordinator', 'worker 0', 'worker 1', 'loader'].map(colourOf)).size).toBe(4);
    expect(formatEntry(entry({ msg: 'x' }), pc.createColors(false))).not.toContain('\u001b');
  });
});
